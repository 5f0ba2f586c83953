import Blob "mo:core/Blob";
import Map "mo:core/Map";
import Nat "mo:core/Nat";
import Nat64 "mo:core/Nat64";
import Region "mo:core/Region";
import Runtime "mo:core/Runtime";

/// State of many shapes, to be kept over upgrades: scalars, a map, records that share a part, an
/// object with a cycle, stable memory. `transient` state starts anew.
persistent actor Keeper {
  type Item = { name : Text; var uses : Nat };
  type Ring = { var next : ?Ring; number : Nat };

  var count : Nat = 0;
  var upgrades = 0;
  var refusesUpgrade = false;
  let notes = Map.empty<Nat, Text>();
  let common : Item = { name = "shared"; var uses = 0 };
  let items : [Item] = [common, { name = "own"; var uses = 0 }, common];
  let ring : Ring = { var next = null; number = 7 };
  let region = Region.new();
  transient var callsOfThisCode = 0;

  system func preupgrade() {
    if (refusesUpgrade) { Runtime.trap("not now") };
  };

  system func postupgrade() {
    upgrades += 1;
  };

  public func add() : async Text {
    count += 1;
    callsOfThisCode += 1;
    Map.add(notes, Nat.compare, count, "note " # Nat.toText(count));
    items[0].uses += 1;
    ring.next := ?ring;
    if (Region.size(region) == 0) { ignore Region.grow(region, 1) };
    Region.storeBlob(region, 8 * Nat64.fromNat(count), "\CA\FE");
    Nat.toText(count);
  };

  public func refuse() : async Text { refusesUpgrade := true; "refuses" };
  public func allow() : async Text { refusesUpgrade := false; "allows" };

  public func state() : async Text {
    let round = switch (ring.next) { case (?{ number }) number; case null 0 };
    let stored = if (Region.size(region) == 0) "" : Blob else Region.loadBlob(region, 8, 2);
    debug_show (
      count, Map.size(notes), Map.get(notes, Nat.compare, 2), (items[0].uses, items[1].uses, items[2].uses),
      round, Blob.toArray(stored), upgrades, callsOfThisCode,
    );
  };
};
