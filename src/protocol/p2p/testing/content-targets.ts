import { present } from '../../../base/assert.ts';
import { createPrng } from '../../../base/prng.ts';
import { INSECURE_TEST_SUITE } from '../../crypto/insecure-test-crypto.ts';
import {
  cheatOn,
  createDkgFixture,
  dealBy,
  freshConfig,
} from '../../dkg/feldman/testing/dkg-fixture.ts';
import { PageMap } from '../../replicated-state/page-map.ts';
import { makeCheckpoint } from '../../state-manager/checkpoint.ts';
import {
  decodeManifest,
  decodeMetaManifest,
  encodeMetaManifest,
} from '../../state-manager/manifest-codec.ts';
import { metaManifestOf } from '../../state-manager/manifest.ts';
import { canisterWith, pages, stateWith } from '../../state-manager/testing/filled-state.ts';
import type { FuzzTarget } from './fuzz-targets.ts';

/** What peers put inside of artifacts and state-sync messages: opaque to the codecs that carry it. */

const CANISTERS = 6;
const PAGES = 40;

function manifests(): readonly Uint8Array[] {
  return Array.from({ length: CANISTERS }, (_, i) => {
    const heap = PageMap.empty.with(pages(0, PAGES * (i + 1), i));
    const canisters = Array.from({ length: i + 1 }, (__, id) =>
      canisterWith(id, heap, 3 * (i + 1)),
    );
    return makeCheckpoint(stateWith(i + 1, canisters)).encodedManifest;
  });
}

/** A manifest's fields may come in another order, so nothing is encoded again: its hash names it. */
function manifestTargets(): readonly FuzzTarget[] {
  const encoded = manifests();
  return [
    {
      kind: 'manifest',
      seeds: encoded,
      run: (bytes) => (decodeManifest(bytes).ok ? 'accepted' : 'rejected'),
    },
    {
      kind: 'metaManifest',
      seeds: encoded.map((manifest) => encodeMetaManifest(metaManifestOf(manifest))),
      run: (bytes) => (decodeMetaManifest(bytes).ok ? 'accepted' : 'rejected'),
    },
  ];
}

/** Contents of dealings and complaints, decoded and checked. */
function dkgTargets(): readonly FuzzTarget[] {
  const fixture = createDkgFixture(4, INSECURE_TEST_SUITE);
  const { scheme, records, members, secrets } = fixture;
  const config = freshConfig(fixture);
  const [dealer, victim] = members;
  if (dealer === undefined || victim === undefined) {
    return [];
  }
  const cheat = cheatOn(fixture, config, dealer, victim);
  const secret = present(secrets.get(victim), 'a member has its secrets');
  const opened = scheme.openShare(config, records, cheat, secret, createPrng('complaint'));
  return [
    {
      kind: 'dkgDealingContent',
      seeds: [dealBy(fixture, config, dealer).content],
      run: (content) =>
        scheme.verifyDealing(config, records, { id: config.id, dealer, content }).ok
          ? 'accepted'
          : 'rejected',
    },
    {
      kind: 'dkgComplaintContent',
      seeds: opened.kind === 'bad' ? [opened.complaint] : [],
      run: (content) =>
        scheme.verifyComplaint(config, records, cheat, {
          id: config.id,
          dealer,
          complainer: victim,
          content,
        }).ok
          ? 'accepted'
          : 'rejected',
    },
  ];
}

export function contentTargets(): readonly FuzzTarget[] {
  return [...manifestTargets(), ...dkgTargets()];
}
