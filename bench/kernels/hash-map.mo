import Map "mo:core/Map";
import Nat "mo:core/Nat";
persistent actor {
  public func run() : async Nat {
    let map = Map.empty<Nat, Nat>();
    var x = 1; var i = 0;
    while (i < 6_000) {
      x := (x * 16_645 + 10_139) % 65_536;
      Map.add(map, Nat.compare, x, i);
      i += 1;
    };
    var sum = 0;
    for ((_, v) in Map.entries(map)) { sum += v };
    sum
  };
};
