import type { Difference } from './honesty.ts';

/** What differs where data is kept, and in what the page shows. */
export const STORAGE_DIFFERENCES: readonly Difference[] = [
  {
    area: 'storage',
    here: 'A network is kept by one browser on one device: a reload goes on with it, and a file takes it elsewhere. Keys follow from the seed in its entry, and a network imported from a file has the same ones.',
    mainnet: 'State is permanent, and keys never leave the nodes.',
    consequence:
      'Clearing the data of this site, or a full disk of a browser that did not promise to keep it, erases it. Whoever has the file has the keys.',
  },
  {
    area: 'storage',
    here: 'A saved network stands still while no tab has it open; its time then jumps to the wall clock, and timers that were due fire once. With several subnets its time also stops, for less than a second as a rule, whenever a snapshot or a file of all of them is made.',
    mainnet: 'Subnets never stop.',
    consequence: 'Messages and delegations may have expired when it goes on.',
  },
  {
    area: 'storage',
    here: 'A damaged part of a node’s disk is found by its checksum, told, left out and fetched from peers; the node then may have forgotten votes.',
    mainnet: 'A node with a damaged disk is replaced by a new one.',
    consequence: 'Count a node with a damaged disk among the faulty ones.',
  },
  {
    area: 'storage',
    here: 'The state tree is in memory, and checkpoints belong to the tab.',
    mainnet: 'Terabytes on disk, with certified snapshots.',
    consequence: 'Keep canisters small: tens of megabytes, not gigabytes.',
  },
  {
    area: 'storage',
    here: 'Checkpoints have manifests of version 3 as on the IC, with chunks of 64 KiB; records are CBOR, and a memory is one file whose chunks of zeros are left out.',
    mainnet:
      'Chunks of 1 MiB; records are Protocol Buffers, and a memory is a set of overlay files.',
    consequence:
      'The way from a chunk to the state hash of a catch-up package is the same; the hash of a state is not.',
  },
  {
    area: 'storage',
    here: 'State sync sends chunks as they are, up to 32 under way to each peer, and asks again for what is late. Of the unchanged chunks of a checkpoint one in ten, but 16 at most, is hashed again.',
    mainnet:
      'Chunks are compressed, 10 under way to each peer, on connections that repeat what is lost. One unchanged chunk in ten is hashed again.',
    consequence:
      'Speeds say nothing about mainnet. Every chunk is checked before it is used all the same.',
  },
  {
    area: 'page',
    here: 'The view keeps 60 heights and drops facts when it cannot keep up; it says how many.',
    mainnet: 'Not applicable.',
    consequence: 'The picture may skip messages; the protocol does not.',
  },
  {
    area: 'storage',
    here: 'A slow or failing disk, a slow CPU, a hanging machine and a wrong clock are acted by the host around a node; a wiped node keeps its identity and its keys.',
    mainnet: 'Hardware does it, and a replaced machine joins as a new node with new keys.',
    consequence:
      'A wiped node has forgotten what it signed and may contradict itself: count it among the faulty ones.',
  },
  {
    area: 'storage',
    here: 'A node’s files are written without a flush to the medium.',
    mainnet: 'Replicas checkpoint to disk and survive a power cut.',
    consequence:
      'Killing a node, the tab or the browser loses nothing that was acknowledged; a power cut may.',
  },
  {
    area: 'storage',
    here: 'A node hears its own shares before they are on its disk; what it says to peers, and in a subnet of one node all that it decides, waits for the write.',
    mainnet: 'The pool is written first, and no subnet has one node.',
    consequence:
      'None that peers or clients can see: whoever is killed within that write has told nobody.',
  },
];
