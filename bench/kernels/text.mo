import Nat "mo:core/Nat";
import Text "mo:core/Text";
persistent actor {
  public func run() : async Nat {
    var text = ""; var i = 0;
    while (i < 1_000) { text #= Nat.toText(i) # ";"; i += 1 };
    var parts = 0;
    for (part in Text.split(text, #char ';')) { parts += part.size() };
    parts
  };
};
