import { helpOrContinue, ROOT, takeFlag, usageError } from './lib/command.mjs';
import { checkRules } from './lint/rules.mjs';

const USAGE = `
npm run rules:check -- [--json]
Holds the numbered rules of docs/spec/*.md against test titles, which begin with the ids they prove.
Reports rules without a test, tests that name an unknown rule and rules without a source;
the exit code is 1 when there is any.
  --json   prints {rules, findings}
`;

const args = process.argv.slice(2);
helpOrContinue(args, USAGE);
const json = takeFlag(args, '--json');
if (args.length > 0) {
  usageError(`unknown argument ${args[0]}`, USAGE);
}
const { rules, findings } = checkRules(ROOT);
if (json) {
  console.log(JSON.stringify({ rules, findings }));
} else {
  console.log([...findings, `${rules} rules, ${findings.length} findings`].join('\n'));
}
process.exit(findings.length === 0 && rules > 0 ? 0 : 1);
