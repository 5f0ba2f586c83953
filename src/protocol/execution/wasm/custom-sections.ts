import { compareText } from '../../../base/bytes.ts';
import { encodeUtf8 } from '../../../base/utf8.ts';
import type { ModuleInfo } from '../../interfaces/wasm-host.ts';
import { MAX_CUSTOM_SECTIONS, MAX_CUSTOM_SECTIONS_BYTES } from './limits.ts';
import type { ParsedModule } from './module.ts';
import { ModuleFault } from './reader.ts';

type Section = ModuleInfo['customSections'][number];

const SCOPES: readonly Section['visibility'][] = ['public', 'private'];

function invalid(reason: string): ModuleFault {
  return new ModuleFault(`Wasm module has an invalid custom section. ${reason}`, 'rule');
}

/** Visibility and name; null when the section is none of the IC's. */
function titleOf(name: string): Pick<Section, 'visibility' | 'name'> | null {
  if (!name.startsWith('icp:')) {
    return null;
  }
  for (const visibility of SCOPES) {
    const opening = `icp:${visibility}`;
    if (name.startsWith(`${opening} `)) {
      return { visibility, name: name.slice(opening.length + 1) };
    }
    if (name === opening) {
      throw invalid("'icp:' section names must have a space after the public/private scope");
    }
  }
  throw invalid(
    `Invalid custom section: Custom section '${name}' has no public/private scope defined.`,
  );
}

/**
 * The `icp:` sections, by name. Throws `ModuleFault` with the replica's text.
 * @upstream rs/embedders/src/wasm_utils/validation.rs#validate_custom_section
 */
export function readCustomSections(module: ParsedModule): Section[] {
  const found = new Map<string, Section>();
  let bytes = 0;
  for (const { name: fullName, content } of module.customSections) {
    const title = titleOf(fullName);
    if (title === null) {
      continue;
    }
    if (found.has(title.name)) {
      throw invalid(`Invalid custom section: name ${title.name} already exists`);
    }
    bytes += encodeUtf8(title.name).length + content.length;
    if (bytes > MAX_CUSTOM_SECTIONS_BYTES) {
      throw invalid(
        `Invalid custom sections: total size of the custom sections exceeds the maximum allowed: size ${bytes} bytes, allowed ${MAX_CUSTOM_SECTIONS_BYTES} bytes`,
      );
    }
    found.set(title.name, { ...title, content: content.slice() });
    if (found.size > MAX_CUSTOM_SECTIONS) {
      throw new ModuleFault(
        `Wasm module defined ${found.size} custom sections which exceeds the maximum number allowed ${MAX_CUSTOM_SECTIONS}.`,
        'rule',
      );
    }
  }
  return [...found.values()].sort((a, b) => compareText(a.name, b.name));
}
