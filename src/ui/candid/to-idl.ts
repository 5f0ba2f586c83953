import { IDL } from '@icp-sdk/core/candid';
import { present, unreachable } from '../../base/assert.ts';
import type { DidInterface, DidSignature, DidType, Primitive } from './did-types.ts';

const PRIMITIVE_IDL: Readonly<Record<Primitive, IDL.Type>> = {
  nat: IDL.Nat,
  nat8: IDL.Nat8,
  nat16: IDL.Nat16,
  nat32: IDL.Nat32,
  nat64: IDL.Nat64,
  int: IDL.Int,
  int8: IDL.Int8,
  int16: IDL.Int16,
  int32: IDL.Int32,
  int64: IDL.Int64,
  float32: IDL.Float32,
  float64: IDL.Float64,
  bool: IDL.Bool,
  text: IDL.Text,
  null: IDL.Null,
  reserved: IDL.Reserved,
  empty: IDL.Empty,
  principal: IDL.Principal,
};

/** The interface in the form that agents take; recursive types stay recursive. */
export function toIdlService(did: DidInterface): IDL.ServiceClass {
  const methods = did.methods.map(({ name, ...signature }) => [name, signature] as const);
  const build = typeBuilder(did.types);
  return IDL.Service(
    Object.fromEntries(methods.map(([name, signature]) => [name, build.func(signature)])),
  );
}

/** The types of the arguments of installation. */
export function toIdlInit(did: DidInterface): readonly IDL.Type[] {
  const build = typeBuilder(did.types);
  return did.init.map((argument) => build.type(argument.type));
}

interface TypeBuilder {
  type(type: DidType): IDL.Type;
  func(signature: DidSignature): IDL.FuncClass;
}

function typeBuilder(types: DidInterface['types']): TypeBuilder {
  const named = new Map([...types.keys()].map((name) => [name, IDL.Rec()]));
  const build: TypeBuilder = {
    type(type) {
      switch (type.kind) {
        case 'primitive':
          return PRIMITIVE_IDL[type.name];
        case 'name':
          return present(named.get(type.name), 'parsed interfaces name only defined types');
        case 'opt':
          return IDL.Opt(build.type(type.of));
        case 'vec':
          return IDL.Vec(build.type(type.of));
        case 'record':
        case 'variant': {
          const fields = Object.fromEntries(
            type.fields.map((field) => [field.label, build.type(field.type)]),
          );
          return type.kind === 'record' ? IDL.Record(fields) : IDL.Variant(fields);
        }
        case 'func':
          return build.func(type.signature);
        case 'service':
          return IDL.Service(
            Object.fromEntries(type.methods.map((method) => [method.name, build.func(method)])),
          );
        default:
          return unreachable(type);
      }
    },
    func({ args, results, mode }) {
      return IDL.Func(
        args.map((argument) => build.type(argument.type)) as IDL.GenericIdlFuncArgs,
        results.map((result) => build.type(result.type)) as IDL.GenericIdlFuncRets,
        mode === 'update' ? [] : [mode],
      );
    },
  };
  for (const [name, slot] of named) {
    const type = build.type(present(types.get(name), 'every slot belongs to a type'));
    // A slot takes any constructed type; a primitive alias is one as far as the codec is concerned.
    slot.fill(type as IDL.ConstructType);
  }
  return build;
}
