;; The start function runs before anything else, and sees segments and globals in place.
(module
  (memory 1) (global $g (mut i32) (i32.const 5)) (data (i32.const 8) "\07")
  (func $main (i32.store (i32.const 4) (i32.add (global.get $g) (i32.load8_u (i32.const 8)))) (global.set $g (i32.const 6)))
  (start $main)
  (func (export "read") (result i32 i32) (i32.load (i32.const 4)) (global.get $g)))
(assert_return (invoke "read") (i32.const 12) (i32.const 6))
