persistent actor {
  public func run() : async Nat32 {
    var x : Nat32 = 1; var i : Nat32 = 0;
    while (i < 400_000) { x := (x *% 1664525 +% 1013904223) ^ (x >> 13); i +%= 1 };
    x
  };
};
