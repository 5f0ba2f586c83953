;; Nothing but stores: the worst case for the marks of written pages.
(module (memory 16)
  (func (export "run") (result i32) (local $i i32) (local $round i32)
    (loop $rounds
      (local.set $i (i32.const 0))
      (loop $next
        (i32.store (local.get $i) (local.get $round))
        (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 1048576))))
      (br_if $rounds (i32.lt_u (local.tee $round (i32.add (local.get $round) (i32.const 1))) (i32.const 60))))
    (i32.load (i32.const 4000))))
