(module (memory 5)
  (func $table (local $i i32) (local $k i32) (local $c i32)
    (loop $next
      (local.set $c (local.get $i)) (local.set $k (i32.const 8))
      (loop $bit
        (local.set $c (i32.xor (i32.shr_u (local.get $c) (i32.const 1))
          (i32.and (i32.const 0xedb88320) (i32.sub (i32.const 0) (i32.and (local.get $c) (i32.const 1))))))
        (br_if $bit (local.tee $k (i32.sub (local.get $k) (i32.const 1)))))
      (i32.store (i32.shl (local.get $i) (i32.const 2)) (local.get $c))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 256)))))
  (func (export "run") (result i32) (local $i i32) (local $c i32) (local $round i32)
    (call $table)
    (local.set $c (i32.const -1))
    (loop $rounds
      (local.set $i (i32.const 0))
      (loop $next
        (local.set $c (i32.xor (i32.shr_u (local.get $c) (i32.const 8))
          (i32.load (i32.shl (i32.and (i32.xor (local.get $c) (i32.load8_u offset=2048 (local.get $i))) (i32.const 255)) (i32.const 2)))))
        (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 262144))))
      (br_if $rounds (i32.lt_u (local.tee $round (i32.add (local.get $round) (i32.const 1))) (i32.const 12))))
    (i32.xor (local.get $c) (i32.const -1))))
