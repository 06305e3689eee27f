import { requirements as backendRequirements, type Requirement } from 'lmapp-kit/testkit'

/** One behaviour that a plugin must show, under an id that is for ever. */
export type PluginRequirement = Pick<Requirement, 'id' | 'title'>

/** What is judged by the manifest, and over the line itself. */
export const lineRequirements = [
  { id: 'manifest.readable', title: 'The manifest satisfies the published schema' },
  { id: 'manifest.interface-version', title: 'It was written for an interface version 1.x' },
  { id: 'manifest.methods', title: 'Its methods are those that its capabilities promise' },
  { id: 'manifest.runs-here', title: 'It is a subprocess, and runs on this platform' },

  { id: 'hello.answered', title: 'hello and start are answered in time' },
  { id: 'hello.nonce', title: 'hello gives the nonce back' },
  { id: 'hello.version', title: 'hello answers with the interface version of the manifest' },
  { id: 'hello.info', title: 'get_info says what hello said' },
  { id: 'hello.methods', title: 'Every method that the manifest lists is known' },
  { id: 'hello.unknown-members', title: 'A hello and a start with members that nobody knows are answered' },
  { id: 'hello.newer-host', title: 'A host that also speaks 2.0 is answered with 1.x' },
  { id: 'hello.other-version', title: 'A host that speaks only 9.0 is answered with interface-version' },
  { id: 'hello.twice', title: 'A second hello is an error, and it goes on' },

  { id: 'wire.chat', title: 'A chat ends with a response, its finish' },
  { id: 'wire.start-twice', title: 'A second start is answered' },
  { id: 'wire.stop-twice', title: 'stop is answered, and a second one too' },
  { id: 'wire.unknown-method', title: 'An unknown method is answered with method-not-found, and it goes on' },
  { id: 'wire.unknown-notification', title: 'An unknown notification is ignored' },
  { id: 'wire.stray-response', title: 'A response to what it never asked is ignored' },
  { id: 'wire.unknown-members', title: 'A chat with members that nobody knows is answered' },
  { id: 'wire.text-id', title: 'A request whose id is a text is answered under it' },
  { id: 'wire.bad-params', title: 'A chat that asks for nothing sensible is answered with bad-input, and it goes on' },
  { id: 'wire.bad-notifications', title: 'A credit and a cancel that say nothing sensible are ignored' },
  { id: 'wire.other-model', title: 'It answers for no other model than the one that was asked for: model-not-found' },

  { id: 'wire.cancel', title: 'A cancel in mid-stream: finish cancelled, within the deadline' },
  { id: 'wire.cancel-early', title: 'A cancel in the same breath as its chat: finish cancelled, within the deadline' },
  { id: 'wire.cancel-ended', title: 'A cancel for a chat that has ended is ignored' },
  { id: 'wire.cancel-unknown', title: 'A cancel for a request that never was is ignored' },

  { id: 'credit.none', title: 'Without credit no part comes, and with credit for one comes one' },
  { id: 'credit.cancel', title: 'A chat that waits for credit can be cancelled' },
  { id: 'credit.health', title: 'Health answers while a chat waits for credit, and counts it as active' },
  { id: 'credit.error', title: 'An error waits for no credit' },

  { id: 'input.split-character', title: 'Input that is cut in the middle of a character is read' },
  { id: 'input.line-separators', title: 'Lines end at LF only, and not at U+2028 in a text' },
  { id: 'input.batch', title: 'Many requests in one piece of input are each answered' },
  { id: 'input.empty-line', title: 'An empty line is ignored' },
  { id: 'input.by-file', title: 'A request that comes as a file is read' },
  { id: 'input.file-checked', title: 'A file elsewhere, or of another checksum than it says, is refused' },
  { id: 'input.no-json', title: 'A line that is no JSON does not silence it' },
  { id: 'input.no-message', title: 'A line that is JSON, but no message, does not silence it' },
  { id: 'input.no-utf8', title: 'A line that is no UTF-8 does not silence it' },
  { id: 'input.too-long', title: 'A line longer than 8 MiB does not silence it' },

  { id: 'busy.ten-chats', title: 'Ten chats at once all end with a finish' },
  { id: 'busy.own-answers', title: 'Ten chats at once each get their own answer' },
  { id: 'busy.health', title: 'Health answers in time while ten chats run' },
  { id: 'busy.counts', title: 'Health counts every chat that runs or waits, and none when all have ended' },
  { id: 'busy.many-parts', title: 'A long answer, up to 10,000 parts, comes in order' },
  { id: 'busy.slow-reader', title: 'A host that stops reading for a while loses nothing' },

  { id: 'process.stdin-end', title: 'The end of stdin ends it in time, with exit code 0' },
  { id: 'process.stdin-end-in-chat', title: 'The end of stdin in mid-chat ends it in time, with exit code 0' },
  { id: 'process.sigterm', title: 'SIGTERM ends it in time' },
  { id: 'process.no-child-left', title: 'When it has ended, nothing that it started is left' },
  { id: 'process.killed', title: 'After a kill in mid-stream nothing is left, and a new process works' },

  { id: 'wire.only-messages', title: 'Nothing but messages comes on stdout' },
  { id: 'wire.utf8', title: 'Every line is UTF-8' },
  { id: 'wire.line-length', title: 'No line is longer than 8 MiB' },
  { id: 'wire.schema', title: 'Every message satisfies the published schema' },
  { id: 'wire.one-response', title: 'Each request gets one response, under its own id' },
  { id: 'wire.sequence', title: 'The parts of a chat are numbered 1, 2, 3 …' },
  { id: 'wire.after-response', title: 'Nothing of a chat comes after its response' },
  { id: 'wire.no-finish-part', title: 'finish is never among the parts' },
  { id: 'wire.no-empty-delta', title: 'No delta is empty' },
  { id: 'wire.whole-characters', title: 'No delta holds half a character' },
  { id: 'credit.obeyed', title: 'No more parts come than there is credit for' },
  { id: 'secrets.environment', title: 'No secret is in the environment or the arguments of a process' },
  { id: 'secrets.told', title: 'No secret is in its log or in a message' },
] as const satisfies readonly PluginRequirement[]

export type LineRequirementId = (typeof lineRequirements)[number]['id']

/** All that a plugin is judged by, in the order of the verdicts: over the line, then as lmapp would use it. */
export const pluginRequirements: readonly PluginRequirement[] = [...lineRequirements, ...backendRequirements]
