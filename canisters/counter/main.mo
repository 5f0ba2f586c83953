import Debug "mo:core/Debug";
import Nat "mo:core/Nat";
import Runtime "mo:core/Runtime";

/// A number that everybody can read and raise. It survives upgrades.
persistent actor Counter {
  var value : Nat = 0;

  /// Adds one and answers with the new value.
  public func increment() : async Nat {
    value += 1;
    Debug.print("counter is now " # Nat.toText(value));
    value;
  };

  /// Reads the value without going through consensus.
  public query func get() : async Nat {
    value;
  };

  public func set(newValue : Nat) : async () {
    value := newValue;
  };

  /// Always traps: every node rolls its memory back, and the caller gets a reject.
  public func fail() : async () {
    value += 1_000;
    Runtime.trap("counter was asked to fail");
  };
};
