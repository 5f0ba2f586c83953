persistent actor {
  type Tree = { #leaf; #node : (Tree, Nat, Tree) };
  func build(depth : Nat, value : Nat) : Tree =
    if (depth == 0) #leaf else #node(build(depth - 1, value * 2), value, build(depth - 1, value * 2 + 1));
  func sum(tree : Tree) : Nat = switch tree { case (#leaf) 0; case (#node(l, v, r)) sum(l) + v + sum(r) };
  public func run() : async Nat { sum(build(13, 1)) };
};
