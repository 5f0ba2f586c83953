import { DIFFERENCES } from '../../wire/honesty.ts';

/** Every difference from mainnet, from the one table in the code. */
export function HonestyView() {
  return (
    <main className="page" id="main" tabIndex={0}>
      <h2 className="page-title">What is real here, and what is not</h2>
      <p className="lead">
        The nodes run the whole protocol: real blocks, real threshold signatures, real WebAssembly.
        These {DIFFERENCES.length} things differ from mainnet. If you find one that is missing, it
        is a defect.
      </p>
      <ul className="differences">
        {DIFFERENCES.map(({ area, here, mainnet, consequence }) => (
          <li key={here} className="card">
            <span className="tag tone-info">{area}</span>
            <dl>
              <dt>Here</dt>
              <dd>{here}</dd>
              <dt>Mainnet</dt>
              <dd>{mainnet}</dd>
              <dt>So</dt>
              <dd>{consequence}</dd>
            </dl>
          </li>
        ))}
      </ul>
    </main>
  );
}
