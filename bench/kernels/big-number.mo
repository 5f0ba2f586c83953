persistent actor {
  public func run() : async Nat {
    var n = 1; var i = 1;
    while (i <= 350) { n *= i; i += 1 };
    var sum = 0;
    while (n > 0) { sum += n % 10; n /= 10 };
    sum
  };
};
