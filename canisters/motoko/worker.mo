import CertifiedData "mo:core/CertifiedData";
import Cycles "mo:core/Cycles";
import Error "mo:core/Error";
import Nat "mo:core/Nat";
import Principal "mo:core/Principal";
import Runtime "mo:core/Runtime";
import Timer "mo:core/Timer";

/// Trees of awaits with traps in them, cycles, timers, composite queries and certified data. One
/// worker calls another, and itself.
persistent actor class Worker(peerId : Principal) {
  type Peer = actor {
    leaf : Nat -> async Nat;
    take : Nat -> async Nat;
    part : query () -> async Nat;
    brokenPart : query () -> async Nat;
  };

  var leaves = 0;
  var kept = 0;
  var lost = 0;
  var locked = false;
  var ticks = 0;
  transient var clock : ?Timer.TimerId = null;

  func peer() : Peer = actor (Principal.toText(peerId));

  /// Traps for each third number; then nothing of it stays.
  public func leaf(n : Nat) : async Nat {
    leaves += 1;
    if (n % 3 == 2) { Runtime.trap("leaf " # Nat.toText(n)) };
    n;
  };

  /// Sum of the leaves below, and how many of them trapped.
  public func branch(depth : Nat, n : Nat) : async (Nat, Nat) {
    if (depth == 0) {
      try { (await peer().leaf(n), 0) } catch (_) { (0, 1) };
    } else {
      let left = branch(depth - 1 : Nat, 2 * n);
      let right = branch(depth - 1 : Nat, 2 * n + 1);
      let (a, b) = await left;
      let (c, d) = await right;
      (a + c, b + d);
    };
  };

  public func tree() : async Text { debug_show (await branch(3, 0)) };

  public func caught() : async Text {
    locked := true;
    try { ignore await peer().leaf(5); "no error" } catch (e) { Error.message(e) } finally { locked := false };
  };

  /// What was done before the await stays; what came after is undone, and `finally` still runs.
  public func trapAfterAwait() : async Text {
    kept += 1;
    locked := true;
    try {
      ignore await peer().leaf(1);
      lost += 1;
      Runtime.trap("after the await");
    } finally { locked := false };
  };

  func twice(n : Nat) : async* Nat { n + (await peer().leaf(n)) };

  public func star() : async Text { Nat.toText(await* twice(4)) };

  public func facts() : async Text { debug_show ({ leaves; kept; lost; locked }) };

  public func take(n : Nat) : async Nat { Cycles.accept<system>(n) };

  public func pay() : async Text {
    let taken = await (with cycles = 8_000_000_000) peer().take(2_000_000_000);
    debug_show (taken, Cycles.refunded());
  };

  public func overspend() : async Text {
    debug_show (await (with cycles = 1_000_000_000_000_000_000) peer().take(1));
  };

  public func hurry() : async Text {
    try { debug_show (await (with timeout = 5) peer().leaf(3)) } catch (e) { Error.message(e) };
  };

  /// One tick at once, then three more from a timer that ends itself.
  public func wind() : async Text {
    ignore Timer.setTimer<system>(#nanoseconds 0, func() : async () { ticks += 1 });
    clock := ?Timer.recurringTimer<system>(
      #milliseconds 500,
      func() : async () {
        ticks += await peer().leaf(1);
        if (ticks >= 4) { switch clock { case (?id) Timer.cancelTimer(id); case null {} } };
      },
    );
    "wound";
  };

  public func ticked() : async Text { Nat.toText(ticks) };

  public query func part() : async Nat { leaves };
  public query func brokenPart() : async Nat { Runtime.trap("no part") };

  public composite query func gather() : async Text {
    let theirs = await peer().part();
    let broken = try { await peer().brokenPart() } catch (_) { 99 };
    kept += 1_000;
    debug_show (theirs, broken);
  };

  public func certify() : async Text { CertifiedData.set("\01\02\03"); "set" };

  public query func certificate() : async ?Blob { CertifiedData.getCertificate() };

  public query func hasCertificate() : async Text { debug_show (CertifiedData.getCertificate() != null) };
};
