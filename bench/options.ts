/** Reads `--name value` from a bench's arguments; `otherwise` when the name is not among them. */
export function optionsOf(
  args: readonly string[],
): (name: `--${string}`, otherwise: string) => string {
  return (name, otherwise) => {
    const at = args.indexOf(name);
    return at === -1 ? otherwise : (args[at + 1] ?? otherwise);
  };
}
