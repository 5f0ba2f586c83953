import { type ReactNode, useEffect, useState } from 'react';
import { BOOT_STAGES, type BootStage } from '../../wire/telemetry.ts';
import { BrandMark } from './TopBar.tsx';

const STAGE_WORDS: Readonly<Record<BootStage, string>> = {
  keys: 'Making keys for every node',
  nodes: 'Starting the nodes',
  firstBeacon: 'Agreeing on the first random beacon',
  firstBlock: 'Finalizing the first block',
  ready: 'Ready',
};

interface BootProps {
  readonly stage: BootStage;
  readonly detail: string;
  /** `performance.now()` when the page began. */
  readonly startedMs: number;
  /** What else there is, once it takes so long that it may never start. */
  readonly instead?: ReactNode;
}

/** What the network is doing until its first block is final, with the time it has taken. */
export function Boot({ stage, detail, startedMs, instead }: BootProps) {
  const elapsedMs = useElapsed(startedMs);
  const isStuck = instead !== undefined && elapsedMs > STUCK_MS;
  const current = BOOT_STAGES.indexOf(stage);
  return (
    <main className="boot">
      <div className={`boot-card ${isStuck ? 'boot-card-wide' : ''}`}>
        <h1 className="boot-title">
          <BrandMark /> Subnetarium
        </h1>
        <p className="muted">An Internet Computer is starting in this tab.</p>
        <ol className="boot-stages" aria-label="Stages">
          {BOOT_STAGES.slice(0, -1).map((name, index) => (
            <li
              key={name}
              aria-current={index === current ? 'step' : undefined}
              className={index < current ? 'boot-done' : index === current ? 'boot-now' : 'muted'}
            >
              <span aria-hidden="true">
                {index < current ? '✓' : index === current ? '▸' : '·'}
              </span>
              <span>
                {STAGE_WORDS[name]}
                {index === current && detail !== '' ? (
                  <span className="muted small"> {detail}</span>
                ) : null}
              </span>
            </li>
          ))}
        </ol>
        <p className="small muted mono" role="timer">
          {(elapsedMs / 1000).toFixed(1)} s
        </p>
        {elapsedMs > SLOW_MS ? (
          <p className="small tone-warning">
            This takes longer than usual. All nodes share the cores of this device; other busy tabs
            slow them down. A saved network whose nodes cannot go on stays here: what the disk holds
            is kept, and <a href="?fresh">a fresh network</a> can be opened beside it.
          </p>
        ) : null}
        {isStuck ? instead : null}
      </div>
    </main>
  );
}

const SLOW_MS = 8_000;
const STUCK_MS = 45_000;
const TICK_MS = 100;

/** Milliseconds since `startedMs`, read ten times a second; shows time, never state. */
export function useElapsed(startedMs: number): number {
  const [nowMs, setNowMs] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(performance.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return Math.max(0, nowMs - startedMs);
}
