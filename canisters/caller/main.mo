/// Calls canisters of any subnet of this network. Deploy the counter and this one to different
/// subnets, then give `ask` the counter's id: the call travels in the streams between the two.
persistent actor Caller {
  type Counter = actor { increment : () -> async Nat; fail : () -> async () };
  type Other = actor { ask : (Text) -> async Nat };

  var asked : Nat = 0;

  /// Has a counter count, and answers with its value.
  public func ask(counter : Text) : async Nat {
    asked += 1;
    let callee = actor (counter) : Counter;
    await callee.increment();
  };

  /// Has another caller ask: a call of three canisters.
  public func askThrough(caller : Text, counter : Text) : async Nat {
    asked += 1;
    let callee = actor (caller) : Other;
    await callee.ask(counter);
  };

  /// The counter traps: its subnet rolls back, and this canister gets a reject and goes on.
  public func askToFail(counter : Text) : async Text {
    asked += 1;
    let callee = actor (counter) : Counter;
    try {
      await callee.fail();
      "it did not fail";
    } catch _ {
      "the counter trapped, and I go on";
    };
  };

  /// How often this canister asked somebody.
  public query func count() : async Nat {
    asked;
  };
};
