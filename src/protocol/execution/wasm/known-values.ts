import { MAX_FUNCTION_LOCALS, MAX_GLOBALS } from './limits.ts';
import type { UnmarkedWrites } from './rewrite-context.ts';
import { truncate } from './truncate.ts';

/** A value of which nothing is known. */
export const UNKNOWN_TERM = 0;
/** The term of constants: zero. */
export const CONSTANT_TERM = 1;
const FIRST_TERM = 2;
/** An operand that no variable holds. */
export const NO_VARIABLE = -1;
/** Sums farther from a term than this are not followed, so that none wraps around unseen. */
const MAX_DISTANCE = 2 ** 30;
const VARIABLES = MAX_FUNCTION_LOCALS + MAX_GLOBALS;
/** Before any `floor`. */
const NEVER = 0;

/** A value as `term + distance`: two of one term differ by what their distances differ by, modulo the size of the type. */
export interface KnownValue {
  term: number;
  distance: number;
}

/** The variable's number: locals first, then globals. */
export function variableOfGlobal(index: number): number {
  return index < MAX_GLOBALS ? MAX_FUNCTION_LOCALS + index : NO_VARIABLE;
}

export function isGlobal(variable: number): boolean {
  return variable >= MAX_FUNCTION_LOCALS;
}

export function indexOfVariable(variable: number): number {
  return isGlobal(variable) ? variable - MAX_FUNCTION_LOCALS : variable;
}

/**
 * What locals and globals hold at a place of a function, as sums of a *term*, one value that nobody
 * knows, and a constant: enough to see that addresses are near each other. A term stands for one
 * value on every path to a place at which the term is known to be held.
 */
export class KnownValues {
  /** By variable: what it holds if it was told at `floor` or later. */
  readonly #term = new Int32Array(VARIABLES);
  readonly #distance = new Float64Array(VARIABLES);
  readonly #toldAt = new Int32Array(VARIABLES);
  #now = NEVER;
  /** What was told before was told of another function or outside of a loop. */
  #floor = 1;
  /** What globals held before was before a call. */
  #globalFloor = 1;
  #nextTerm = FIRST_TERM;
  /** Variables that were given the value of another one in a frame still open. */
  readonly #copies: number[] = [];
  /** For each open frame: how many of `copies` are older, and `floor` around it. */
  readonly #frameCopies: number[] = [];
  readonly #frameFloors: number[] = [];
  readonly #forgets: UnmarkedWrites | undefined;
  /** What `read` found. */
  readonly found: KnownValue = { term: UNKNOWN_TERM, distance: 0 };

  constructor(forgets: UnmarkedWrites | undefined) {
    this.#forgets = forgets;
  }

  /** A function begins. */
  begin(): void {
    this.#now += 1;
    this.#floor = this.#now;
    this.#nextTerm = FIRST_TERM;
    truncate(this.#copies, 0);
    truncate(this.#frameCopies, 0);
    truncate(this.#frameFloors, 0);
  }

  newTerm(): number {
    const term = this.#nextTerm;
    this.#nextTerm = term + 1;
    return term;
  }

  #isTold(variable: number): boolean {
    const toldAt = this.#toldAt[variable] as number;
    return toldAt >= this.#floor && (!isGlobal(variable) || toldAt >= this.#globalFloor);
  }

  #tell(variable: number, term: number, distance: number): void {
    this.#now += 1;
    this.#term[variable] = term;
    this.#distance[variable] = distance;
    this.#toldAt[variable] = this.#now;
  }

  /** What the variable holds, a new term if nothing was known: in `found`. */
  read(variable: number): void {
    if (variable === NO_VARIABLE) {
      this.found.term = UNKNOWN_TERM;
      return;
    }
    if (!this.#isTold(variable)) {
      this.#tell(variable, this.newTerm(), 0);
    }
    this.found.term = this.#term[variable] as number;
    this.found.distance = this.#distance[variable] as number;
  }

  /** Whether the variable holds the term plus what is then in `found.distance`. */
  holds(variable: number, term: number): boolean {
    if (variable === NO_VARIABLE || !this.#isTold(variable) || this.#term[variable] !== term) {
      return false;
    }
    this.found.distance = this.#distance[variable] as number;
    return true;
  }

  /** The variable is given a value. */
  write(variable: number, term: number, distance: number): void {
    if (variable === NO_VARIABLE || this.#forgets === 'changed base') {
      return;
    }
    if (term === UNKNOWN_TERM) {
      this.#toldAt[variable] = NEVER;
      return;
    }
    this.#tell(variable, term, distance);
    this.#copies.push(variable);
  }

  /** Another function may have written globals. */
  forgetGlobals(): void {
    if (this.#forgets !== 'changed base') {
      this.#now += 1;
      this.#globalFloor = this.#now;
    }
  }

  /** A block begins; in a loop nothing is known, as what its end writes comes back to its head. */
  enter(loop: boolean): void {
    this.#frameCopies.push(this.#copies.length);
    this.#frameFloors.push(this.#floor);
    if (loop && this.#forgets !== 'other path') {
      this.#now += 1;
      this.#floor = this.#now;
    }
  }

  /** The second half of an `if` begins, which does not see what the first wrote. */
  else(): void {
    this.#forgetCopies(this.#frameCopies.at(-1) ?? 0);
  }

  /** A block ends, which branches may have left before it wrote anything. */
  end(): void {
    this.#forgetCopies(this.#frameCopies.pop() ?? 0);
    this.#floor = this.#frameFloors.pop() ?? this.#floor;
  }

  /**
   * A variable written on one path only holds, where paths meet, a value of its own. For one that was
   * given a new term that term can name it: nothing else known here has to do with it. Copies cannot.
   */
  #forgetCopies(from: number): void {
    if (this.#copies.length === from || this.#forgets === 'other path') {
      return;
    }
    for (let i = from; i < this.#copies.length; i += 1) {
      this.#toldAt[this.#copies[i] as number] = NEVER;
    }
    truncate(this.#copies, from);
  }
}

/** `term + distance + by`, in `value`. */
export function addTo(value: KnownValue, by: number): void {
  value.distance += by;
  if (value.term === CONSTANT_TERM || Math.abs(value.distance) > MAX_DISTANCE) {
    value.term = UNKNOWN_TERM;
  }
}
