(module
  (func (export "run") (result i32) (local $x i32) (local $y i32) (local $n i32) (local $total i32)
    (local $cr f64) (local $ci f64) (local $zr f64) (local $zi f64) (local $t f64)
    (loop $rows
      (local.set $x (i32.const 0))
      (loop $columns
        (local.set $cr (f64.sub (f64.div (f64.convert_i32_s (local.get $x)) (f64.const 40)) (f64.const 2)))
        (local.set $ci (f64.sub (f64.div (f64.convert_i32_s (local.get $y)) (f64.const 40)) (f64.const 1.2)))
        (local.set $zr (f64.const 0)) (local.set $zi (f64.const 0)) (local.set $n (i32.const 0))
        (block $out (loop $iterate
          (local.set $t (f64.add (f64.sub (f64.mul (local.get $zr) (local.get $zr)) (f64.mul (local.get $zi) (local.get $zi))) (local.get $cr)))
          (local.set $zi (f64.add (f64.mul (f64.mul (f64.const 2) (local.get $zr)) (local.get $zi)) (local.get $ci)))
          (local.set $zr (local.get $t))
          (br_if $out (f64.gt (f64.add (f64.mul (local.get $zr) (local.get $zr)) (f64.mul (local.get $zi) (local.get $zi))) (f64.const 4)))
          (br_if $iterate (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 200)))))
        (local.set $total (i32.add (local.get $total) (local.get $n)))
        (br_if $columns (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (i32.const 120))))
      (br_if $rows (i32.lt_u (local.tee $y (i32.add (local.get $y) (i32.const 1))) (i32.const 96))))
    (local.get $total)))
