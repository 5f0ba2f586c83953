import Array "mo:core/Array";
import Nat "mo:core/Nat";
persistent actor {
  public func run() : async Nat {
    var x = 7;
    let list = Array.tabulate<Nat>(6_000, func _ { x := (x * 16_645 + 10_139) % 65_536; x });
    Array.sort(list, Nat.compare)[3_000]
  };
};
