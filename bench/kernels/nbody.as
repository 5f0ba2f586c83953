class Body { constructor(public x: f64, public y: f64, public z: f64, public vx: f64, public vy: f64, public vz: f64, public mass: f64) {} }
const bodies: StaticArray<Body> = [
  new Body(0, 0, 0, 0, 0, 0, 39.47), new Body(4.84, -1.16, -0.1, 0.6, 2.8, -0.02, 0.037), new Body(8.34, 4.12, -0.4, -1.01, 1.82, 0.008, 0.011),
  new Body(12.89, -15.1, -0.22, 1.08, 0.86, -0.01, 0.0017), new Body(15.37, -25.9, 0.17, 0.97, 0.59, -0.03, 0.002)];

export function run(): i32 {
  for (let step = 0; step < 30000; step++) {
    for (let i = 0; i < 5; i++) {
      const a = unchecked(bodies[i]);
      for (let j = i + 1; j < 5; j++) {
        const b = unchecked(bodies[j]);
        const dx = a.x - b.x, dy = a.y - b.y, dz = a.z - b.z;
        const d2 = dx * dx + dy * dy + dz * dz;
        const mag = 0.001 / (d2 * Math.sqrt(d2));
        a.vx -= dx * b.mass * mag; a.vy -= dy * b.mass * mag; a.vz -= dz * b.mass * mag;
        b.vx += dx * a.mass * mag; b.vy += dy * a.mass * mag; b.vz += dz * a.mass * mag;
      }
    }
    for (let i = 0; i < 5; i++) { const b = unchecked(bodies[i]); b.x += 0.001 * b.vx; b.y += 0.001 * b.vy; b.z += 0.001 * b.vz; }
  }
  return <i32>(bodies[0].x * 1000000);
}
