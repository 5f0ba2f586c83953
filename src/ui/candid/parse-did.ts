import { type CodedError, codedError, err, ok, type Result } from '../../base/result.ts';
import {
  type DidArgument,
  type DidField,
  type DidInterface,
  type DidMethod,
  type DidSignature,
  type DidType,
  isPrimitive,
  type MethodMode,
  resolveType,
} from './did-types.ts';
import { type Token, tokenize } from './lexer.ts';

export type DidError = CodedError<
  'DID_SYNTAX' | 'DID_TOO_DEEP' | 'DID_UNKNOWN_TYPE' | 'DID_NO_SERVICE'
>;

/** Deeper nesting than any interface a person writes; keeps hostile text off the stack. */
const MAX_DEPTH = 64;
const MAX_CHARACTERS = 500_000;

class DidFailure extends Error {
  readonly error: DidError;
  constructor(error: DidError) {
    super(error.message);
    this.error = error;
  }
}

/**
 * Reads the text of a `.did` file. The service may be written in place or named by a type; `import`
 * is refused, because there is nothing to import from.
 */
export function parseDid(source: string): Result<DidInterface, DidError> {
  if (source.length > MAX_CHARACTERS) {
    return err(codedError('limit', 'DID_SYNTAX', 'The Candid text is too long.'));
  }
  const tokens = tokenize(source);
  if ('badLine' in tokens) {
    return err(codedError('input', 'DID_SYNTAX', `Line ${tokens.badLine}: unexpected character.`));
  }
  try {
    return ok(new DidParser(tokens).parse());
  } catch (failure) {
    if (failure instanceof DidFailure) {
      return err(failure.error);
    }
    throw failure;
  }
}

class DidParser {
  readonly #tokens: readonly Token[];
  readonly #types = new Map<string, DidType>();
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): DidInterface {
    while (this.#accept('type')) {
      const name = this.#word();
      this.#expect('=');
      this.#types.set(name, this.#type());
      this.#accept(';');
    }
    const service = this.#service();
    this.#accept(';');
    if (this.#peek().kind !== 'end') {
      throw this.#unexpected('the end');
    }
    this.#checkNames(service);
    return service;
  }

  #service(): DidInterface {
    if (!this.#accept('service')) {
      if (this.#peek().kind !== 'end') {
        throw this.#unexpected('"type" or "service"');
      }
      throw new DidFailure(
        codedError('input', 'DID_NO_SERVICE', 'The Candid text has no service.'),
      );
    }
    if (this.#peek().value !== ':') {
      this.#word();
    }
    this.#expect(':');
    let init: readonly DidArgument[] = [];
    if (this.#peek().value === '(') {
      init = this.#arguments();
      this.#expect('->');
    }
    const methods = this.#peek().value === '{' ? this.#methods() : this.#namedService(this.#word());
    return { types: this.#types, init, methods };
  }

  #namedService(name: string): readonly DidMethod[] {
    const type = this.#types.get(name);
    if (type?.kind !== 'service') {
      throw this.#unknownType(name);
    }
    return type.methods;
  }

  #methods(): readonly DidMethod[] {
    return this.#block(() => {
      const name = this.#name();
      this.#expect(':');
      if (this.#peek().kind === 'word') {
        const type = this.#types.get(this.#word());
        if (type?.kind !== 'func') {
          throw this.#unexpected('a function type');
        }
        return { name, ...type.signature };
      }
      return { name, ...this.#signature() };
    });
  }

  #signature(): DidSignature {
    const args = this.#arguments();
    this.#expect('->');
    const results = this.#arguments();
    let mode: MethodMode = 'update';
    for (const next of ['query', 'composite_query', 'oneway'] as const) {
      mode = this.#accept(next) ? next : mode;
    }
    return { args, results, mode };
  }

  #arguments(): readonly DidArgument[] {
    this.#expect('(');
    const list: DidArgument[] = [];
    while (!this.#accept(')')) {
      const named = this.#tokens[this.#at + 1]?.value === ':';
      const name = named ? this.#name() : undefined;
      if (named) {
        this.#expect(':');
      }
      list.push({ name, type: this.#type() });
      if (this.#peek().value !== ')') {
        this.#expect(',');
      }
    }
    return list;
  }

  #type(): DidType {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) {
      throw new DidFailure(
        codedError('limit', 'DID_TOO_DEEP', 'The Candid types nest too deeply.'),
      );
    }
    const type = this.#typeBody(this.#word());
    this.#depth -= 1;
    return type;
  }

  #typeBody(word: string): DidType {
    switch (word) {
      case 'opt':
      case 'vec':
        return { kind: word, of: this.#type() };
      case 'blob':
        return { kind: 'vec', of: { kind: 'primitive', name: 'nat8' } };
      case 'record':
      case 'variant':
        return { kind: word, fields: this.#fields(word) };
      case 'func':
        return { kind: 'func', signature: this.#signature() };
      case 'service':
        return { kind: 'service', methods: this.#methods() };
      default:
        return isPrimitive(word) ? { kind: 'primitive', name: word } : { kind: 'name', name: word };
    }
  }

  #fields(kind: 'record' | 'variant'): readonly DidField[] {
    let nextId = 0;
    return this.#block(() => {
      const first = this.#peek();
      const labelled = this.#tokens[this.#at + 1]?.value === ':';
      if (kind === 'record' && !labelled && first.kind !== 'text') {
        const label = `_${nextId}_`;
        nextId += 1;
        return { label, type: this.#type() };
      }
      if (first.kind === 'number') {
        nextId = Number(first.value) + 1;
      }
      const label = first.kind === 'number' ? `_${this.#next().value}_` : this.#name();
      const type = this.#accept(':') ? this.#type() : NULL;
      return { label, type };
    });
  }

  #block<T>(item: () => T): readonly T[] {
    this.#expect('{');
    const items: T[] = [];
    while (!this.#accept('}')) {
      items.push(item());
      if (this.#peek().value !== '}') {
        this.#expect(';');
      }
    }
    return items;
  }

  #checkNames({ init, methods }: DidInterface): void {
    const visitAll = (items: readonly DidArgument[]): void =>
      items.forEach((item) => visit(item.type));
    const visit = (type: DidType): void => {
      switch (type.kind) {
        case 'name':
          if (resolveType(type, this.#types) === undefined) {
            throw this.#unknownType(type.name);
          }
          break;
        case 'opt':
        case 'vec':
          visit(type.of);
          break;
        case 'record':
        case 'variant':
          type.fields.forEach((field) => visit(field.type));
          break;
        case 'func':
          visitAll([...type.signature.args, ...type.signature.results]);
          break;
        case 'service':
          type.methods.forEach((method) => visitAll([...method.args, ...method.results]));
          break;
        case 'primitive':
          break;
      }
    };
    this.#types.forEach(visit);
    visitAll(init);
    methods.forEach((method) => visitAll([...method.args, ...method.results]));
  }

  #name(): string {
    const token = this.#next();
    if (token.kind !== 'word' && token.kind !== 'text') {
      throw this.#unexpected('a name', token);
    }
    return token.value;
  }

  #word(): string {
    const token = this.#next();
    if (token.kind !== 'word') {
      throw this.#unexpected('a word', token);
    }
    return token.value;
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? END;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }

  #accept(value: string): boolean {
    const token = this.#peek();
    const found = token.value === value && token.kind !== 'text';
    this.#at += found ? 1 : 0;
    return found;
  }

  #expect(value: string): void {
    if (!this.#accept(value)) {
      throw this.#unexpected(`"${value}"`);
    }
  }

  #unexpected(wanted: string, token: Token = this.#peek()): DidFailure {
    const message = `Line ${token.line}: expected ${wanted}, found "${token.value}".`;
    return new DidFailure(codedError('input', 'DID_SYNTAX', message));
  }

  #unknownType(name: string): DidFailure {
    const message = `The Candid type "${name}" is not defined.`;
    return new DidFailure(codedError('input', 'DID_UNKNOWN_TYPE', message));
  }
}

const NULL: DidType = { kind: 'primitive', name: 'null' };
const END: Token = { kind: 'end', value: 'end of text', line: 0 };
