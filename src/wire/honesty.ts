import { STORAGE_DIFFERENCES } from './honesty-storage.ts';

/** One way in which this network differs from the Internet Computer's mainnet. */
export interface Difference {
  readonly area:
    | 'network'
    | 'crypto'
    | 'consensus'
    | 'execution'
    | 'interface'
    | 'storage'
    | 'page';
  readonly here: string;
  readonly mainnet: string;
  /** What a reader must not conclude from this network because of it. */
  readonly consequence: string;
}

/**
 * Every known simplification. The page and the documentation show this table; a difference that is
 * not in it is a defect.
 */
export const DIFFERENCES: readonly Difference[] = [
  {
    area: 'network',
    here: 'Nodes are Web Workers of one tab; bytes travel over BroadcastChannel, packets above 64 KiB over ports between two nodes.',
    mainnet: 'Nodes are machines in independent data centres, connected by QUIC with TLS.',
    consequence:
      'Latency, bandwidth and independent failure are not those of mainnet. Nobody is protected from the owner of this tab.',
  },
  {
    area: 'network',
    here: 'A node asks nodes of other subnets for their streams with a request that waits there up to 2 seconds for news; slices of streams are CBOR.',
    mainnet:
      'Nodes ask again at each block that they make or check, prefer nodes of their own data centre, and slices are Protocol Buffers.',
    consequence:
      'A call between idle subnets takes a few blocks less than on mainnet. What is certified and what is checked is the same.',
  },
  {
    area: 'network',
    here: 'A node is named by the sender field of its packets; artifacts are signed, the link is not authenticated.',
    mainnet: 'Each connection is authenticated with the TLS key of the node in the registry.',
    consequence:
      'Another script of this origin could inject packets in the name of a node, and so mute it. Forged artifacts are still refused, because their signatures fail.',
  },
  {
    area: 'network',
    here: 'Delay, jitter, bandwidth, loss and partition are drawn by a model in the receiver; with the preset “datacentres” its delays are half the measured round trips between ten cities.',
    mainnet: 'They happen in real networks.',
    consequence:
      'Faults are cleaner than real ones: links do not share a bottleneck, and a packet is lost as a whole.',
  },
  {
    area: 'network',
    here: '1 to 8 subnets of 1 to 40 nodes; the first is the root. It certifies keys and canister ranges of the others as its registry has them. Subnets can be added, never removed, and nodes ask each other for delegations over links as between nodes of one subnet.',
    mainnet:
      'Dozens of subnets; the NNS subnet certifies what its registry canister says of them at that moment. Nodes of other subnets are reached over TLS.',
    consequence:
      'Canister ranges change by an added subnet, whose first keys the dealer makes again from the seed; a registry version may move a range (canister_migrations), and messages follow it, but nothing carries the canisters over. Who a node of another subnet is, the host vouches for; what it answers counts only under a subnet’s key.',
  },
  {
    area: 'crypto',
    here: 'A trusted dealer makes all node keys, those of spare nodes too, and the first keys of the subnet from the seed in the network spec. From then on nodes deal keys themselves, through blocks.',
    mainnet:
      'Nodes make their own keys, and the first keys of a subnet are dealt by the nodes of the NNS subnet.',
    consequence:
      'Whoever knows the seed knows every key. Never use this network for anything of value.',
  },
  {
    area: 'crypto',
    here: "Keys are dealt with Feldman's verifiable secret sharing: each node checks its own encrypted piece and complains about a bad one.",
    mainnet:
      'Non-interactive DKG (Groth, 2021): everybody can check every encrypted piece, and receivers move their decryption keys forward.',
    consequence:
      'A cheated node that is away until the interval ends has no share for that interval. Whoever learns the DKG key of a node can open every dealing ever recorded for it.',
  },
  {
    area: 'crypto',
    here: 'BLS12-381 is mcl-wasm, or the noble library where Wasm is blocked; Ed25519 and the hashes are the JavaScript of the noble libraries.',
    mainnet: 'Native Rust.',
    consequence:
      'Signatures have the same bytes but take many times longer; timing says nothing about mainnet, and secrets are not protected against side channels.',
  },
  {
    area: 'crypto',
    here: 'With memoVerification in the spec, off by default, a node skips the check of a signature that another node of the tab found valid.',
    mainnet: 'Every node checks every signature it relies on.',
    consequence:
      'Nodes then trust the workers of their tab. Outcomes are the same, but it proves nothing about a node that was taken over; a part of the cryptographic work is missing from the figures.',
  },
  {
    area: 'crypto',
    here: 'No threshold ECDSA, Schnorr or vetKeys.',
    mainnet: 'Canisters can sign with threshold keys of the subnet.',
    consequence: 'Canisters that call these methods get a reject.',
  },
  {
    area: 'consensus',
    here: 'The DKG interval is 19 blocks at classroom pace and 99 at turbo.',
    mainnet: '499 blocks.',
    consequence:
      'Summary blocks and catch-up packages come much more often, so that they can be seen.',
  },
  {
    area: 'consensus',
    here: 'Turbo pace sets the initial notary delay to 10 ms.',
    mainnet: '300 ms, so that most nodes see the best block first.',
    consequence:
      'Lower-ranked blocks and forks are likelier than on mainnet. Choose mainnet pace to compare.',
  },
  {
    area: 'consensus',
    here: 'Blocks carry ingress messages, slices of streams, query statistics, and DKG dealings with complaints about them.',
    mainnet:
      'Also answers of the Bitcoin adapter and of HTTPS outcalls, and what threshold signatures and vetKeys need.',
    consequence: 'Features that need these payloads are absent.',
  },
  {
    area: 'consensus',
    here: 'Byzantine nodes follow a list of known attacks on top of the honest code, and sign with their own keys only.',
    mainnet: 'An attacker runs whatever program it likes.',
    consequence:
      'That the subnet stands these attacks is evidence, not a proof; the proof is the protocol’s.',
  },
  {
    area: 'consensus',
    here: 'Where the first subnet is a system subnet, its replicated state holds the registry; one operator key, made from the seed and held by the host, changes it through consensus, and other nodes fetch certified versions. A root subnet that is halted is let go on by a version that the host puts into its nodes’ stores first; a node that starts is given the versions that the host knows. Elsewhere the host keeps the record and tells the nodes at once. Only a fixed set of spare nodes can join.',
    mainnet:
      'A canister of the NNS subnet, changed by proposals; nodes poll it and check its certificates. Replicas are also upgraded.',
    consequence:
      'Nobody votes on a registry version, and the protocol version never changes. There are no records of operators, data centres and endpoints.',
  },
  {
    area: 'consensus',
    here: 'A subnet that is alone and no system subnet has no registry in any state: the host keeps its record, numbers the versions and gives them to the nodes.',
    mainnet: 'Every subnet learns of its record from the NNS subnet, under a certificate.',
    consequence:
      'There the host could tell nodes what it likes, and no subnet can be added. Make the first subnet a system subnet to see the registry at work.',
  },
  {
    area: 'consensus',
    here: 'Dealings count in the first two thirds of an interval, complaints in all of it; intervals below 7 blocks deal no keys.',
    mainnet: 'Dealings need no complaints and count in every data block.',
    consequence:
      'More than one dealing stands in a block where the interval is short. A dealer that cheats nodes which are away can leave them without a share for one interval.',
  },
  {
    area: 'consensus',
    here: 'The certified state lists the public keys of all registered nodes, and fees follow the first number of nodes.',
    mainnet:
      'It lists the members at the registry version of each batch, and fees follow their number.',
    consequence:
      'Answers to queries of a spare node would verify too; it runs only once it is a member.',
  },
  {
    area: 'consensus',
    here: 'The artifacts of all pools share one table of slots and travel in packets that are acknowledged and repeated by the nodes themselves; a faster pace shortens the patience with a peer that was asked.',
    mainnet:
      'Each pool has a table and connections of its own; QUIC repeats lost data, and a peer has 5 s to answer.',
    consequence: 'Packets and their timing say nothing about mainnet; which bytes travel does.',
  },
  {
    area: 'execution',
    here: 'Modules run in the WebAssembly engine of this browser after our own rewriting; on hosts without 64-bit memory (Node 20) they are lowered to 32 bits, and a heap ends 1 MiB below 4 GiB.',
    mainnet: 'Wasmtime, with the replica’s instrumentation.',
    consequence: 'Instruction counts are the same on all nodes here but not those of mainnet.',
  },
  {
    area: 'execution',
    here: 'Within a subnet, a call to a canister that is stopped or does not exist is rejected in the round in which it was made, calls of the management canister are made in it, and at most 256 MiB of calls wait.',
    mainnet:
      'All of these take the loopback stream, and so a round more each way; only the reserve for guaranteed responses, 15 GiB here as there, bounds calls.',
    consequence:
      'Such an answer may come a round or two earlier; a flood of large calls is refused sooner.',
  },
  {
    area: 'execution',
    here: 'No HTTPS outcalls.',
    mainnet: 'Canisters fetch from the web through consensus.',
    consequence: 'Such calls get a reject.',
  },
  {
    area: 'execution',
    here: 'Two threads a subnet, slices of 200 million instructions, 1 billion for a query; `limits: "mainnet"` in the spec takes the real limits. What does not fit between two checkpoints gets longer slices.',
    mainnet:
      'Four threads, slices of 2 billion, 5 billion for a query. Limits of a whole message are the same: 40 billion, 300 for an installation.',
    consequence:
      'A long message takes more rounds here; queries end earlier. Compute allocations add up to 299 % as on mainnet, and above 99 % two threads cannot give all of them.',
  },
  {
    area: 'execution',
    here: 'A node runs its canisters in one to four workers, as many as the browser has cores to spare for (`sandboxWorkers` in the spec names a number). A canister stays with its worker; those of one worker take turns, at slice ends where the engine can suspend a stack.',
    mainnet: 'Each canister has a process of its own, and all threads run at the same time.',
    consequence:
      'Results are those of parallel threads, whatever the number of workers; the time they take is not.',
  },
  {
    area: 'execution',
    here: 'One worker of the tab rewrites and compiles each canister module for the sandboxes of all nodes. It takes the original bytes only and checks their hash; a node never gets compiled code from another node.',
    mainnet: 'Each replica compiles for itself.',
    consequence:
      'A fault of that worker would be the same on all nodes, which then agree on it: independent machines would show it as a divergence.',
  },
  {
    area: 'execution',
    here: 'Pages of the heap are charged when their content changed; none in composite queries and for fresh heaps.',
    mainnet: 'Every page that was written to is charged.',
    consequence: 'A message that writes what was there already costs less here.',
  },
  {
    area: 'execution',
    here: 'The backtrace of a trap is read from the stack of this browser’s engine, where it tells which functions ran: Chromium and Firefox do, Safari does not. Names that Rust mangled in its newer form (v0) stay as they are.',
    mainnet: 'Wasmtime walks the stack; both forms of Rust’s names are read.',
    consequence: 'Traps have no backtrace in Safari; elsewhere it names the same functions.',
  },
  {
    area: 'execution',
    here: 'A sandbox that gives no sign of life for 120 seconds of wall time is started again, and one at work gives one every second; a request that fails twice so ends the node.',
    mainnet: 'A sandbox process that dies takes its replica with it; there is no such clock.',
    consequence:
      'Where an engine hangs, or compiles one module for minutes, a node may stop. Its state is on disk, and it can be restarted.',
  },
  {
    area: 'execution',
    here: 'A subnet may be of the kind “data”: its canisters answer calls but make none to others and send no cycles. “Fiduciary” is an application subnet of more nodes, and holds no signing keys yet.',
    mainnet:
      'There are no data subnets: an early plan of the IC had them. Its fiduciary subnet has 34 nodes and holds the keys that canisters sign with; rented subnets (cloud engines) charge nothing.',
    consequence:
      'A canister that a data subnet refuses runs on any subnet of the mainnet. Prices follow the real number of nodes of the tab, so a fiduciary subnet of four is cheaper than an application subnet of the mainnet.',
  },
  {
    area: 'execution',
    here: 'There are no subnet admins, so list_canisters is refused; best-effort messages above 128 MiB are dropped.',
    mainnet: 'Rented subnets have admins; best-effort messages are dropped above 5 GiB.',
    consequence:
      'Code for subnet admins cannot be tried here; large best-effort messages are dropped sooner.',
  },
  {
    area: 'execution',
    here: 'A node remembers 8 MiB of query outcomes, and an epoch of query statistics lasts 60 blocks.',
    mainnet: '200 MiB, and 600 blocks.',
    consequence:
      'Long-lived outcomes are run again more often; `query_stats` of canister_status follow after a minute or two.',
  },
  {
    area: 'execution',
    here: 'Prices follow mainnet, but instruction counts come from our own instrumentation.',
    mainnet: 'The replica’s own counts.',
    consequence: 'Cycle costs here are the right order of magnitude, not an exact estimate.',
  },
  {
    area: 'interface',
    here: 'Anybody may create canisters with cycles from nothing.',
    mainnet: 'Cycles come from ICP through the cycles minting canister.',
    consequence:
      'provisional_create_canister_with_cycles works as on a local development network only.',
  },
  {
    area: 'interface',
    here: 'With several subnets a call whose effective id is aaaaa-aa goes to the root subnet, so a canister made without naming an id is made there.',
    mainnet: 'Boundary nodes answer such a call with 400, canister_not_found.',
    consequence:
      'Name a canister id of the subnet that is meant as effective id, here as there; on the root nobody pays cycles.',
  },
  {
    area: 'interface',
    here: 'Calls reach the subnet through a function in this page, with the paths of the HTTP interface.',
    mainnet: 'API boundary nodes over the public internet.',
    consequence:
      'No rate limits and no TLS. Agents verify certificates in the same way, with this network’s root key.',
  },
  {
    area: 'interface',
    here: 'The workshop calls anonymously.',
    mainnet: 'Users sign with their own identities.',
    consequence: 'The caller is always 2vxsx-fae in this version of the page.',
  },
  {
    area: 'crypto',
    here: 'WebAuthn signatures of users are recognised and refused.',
    mainnet: 'They are accepted beside Ed25519, secp256k1, P-256 and canister signatures.',
    consequence:
      'Passkeys sign neither calls nor delegations; a canister that checks them, as Internet Identity does, can.',
  },
  {
    area: 'execution',
    here: 'ic0.cost_sign_with_* and ic0.cost_vetkd_derive_key answer 2: no key of that name.',
    mainnet: 'They tell the price on the subnet that holds the key.',
    consequence:
      'True here, where no subnet holds such keys; a canister that expects a price takes its error path.',
  },
  {
    area: 'crypto',
    here: 'The certified state tree branches at the first bit in which labels differ.',
    mainnet: 'The replica pairs neighbouring labels by position.',
    consequence:
      'Roots differ from a replica’s for the same content; every client verifies both shapes.',
  },
  {
    area: 'consensus',
    here: 'The notary’s gaps to certification (70) and to the next catch-up package (130) shrink with intervals below 99 blocks.',
    mainnet: 'Fixed numbers for an interval of 499.',
    consequence: 'Back-pressure sets in earlier, in proportion to the interval.',
  },
  {
    area: 'consensus',
    here: 'A catch-up package is also held back while a node lacks a few blocks below it (a quarter interval, ten at most).',
    mainnet: 'It is held back only when all blocks below it are there.',
    consequence:
      'A slightly slow node replays blocks instead of fetching a state every few blocks.',
  },
  {
    area: 'consensus',
    here: 'Signature shares are combined first; single shares are checked only when the combination fails.',
    mainnet: 'Every share is checked when it arrives.',
    consequence: 'Much less arithmetic in one tab; a wrong share is named a little later.',
  },
  {
    area: 'execution',
    here: 'Calls of one message may nest 5 MiB deep, counted in frames of 80 bytes and 8 for each parameter, local and operand, where the browser can suspend WebAssembly (JSPI; Chromium can) or Node was started with enough stack (the commands of this repository do). Elsewhere a network is started with 350 KiB; its snapshot tells `wasmStackBytes`. A frame may have 512 KiB. A 32-bit heap ends 1 MiB below 4 GiB.',
    mainnet:
      'The stack has 5 MiB of native frames, which mostly are smaller, and a 32-bit heap 4 GiB.',
    consequence:
      'Deep recursion may trap earlier than on mainnet: at the same call on every node, and in every browser and engine that has as much stack.',
  },
  {
    area: 'execution',
    here: 'Imported memories and tables are refused at installation.',
    mainnet: 'They are accepted from the module "env".',
    consequence:
      'A module built with imported memory cannot be installed here; the error names the reason.',
  },
  {
    area: 'execution',
    here: 'Of a module that breaks several rules the first of ours is named, and the engine’s own complaints have our words.',
    mainnet: 'The engine judges first, in the words of Wasmtime with the offset.',
    consequence:
      'A broken module is refused with the same code, sometimes for another of its faults.',
  },
  {
    area: 'execution',
    here: 'A subnet gives its canisters 8 GiB of memory, of which storage above 4 GiB needs reserved cycles.',
    mainnet: '1 TiB, and 450 GiB.',
    consequence: 'Memory runs out, and cycles are set aside, at smaller amounts.',
  },
  {
    area: 'interface',
    here: 'The state tree has no creation timestamps and no records of API boundary nodes.',
    mainnet: 'It has.',
    consequence: 'Clients that ask for them get a proof of absence.',
  },
  ...STORAGE_DIFFERENCES,
];
