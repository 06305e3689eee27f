import type { CapabilityName } from '../capability.ts'
import type { Stimulus } from './harness.ts'

/** One behaviour that a backend must show, under an id that is for ever. */
export interface Requirement {
  id: string
  title: string
  /** Applies only where the backend, and the model that is asked, say `yes` to this. */
  capability?: CapabilityName
  /** Applies only where they say `no` to this. */
  without?: CapabilityName
  /** Applies only where the harness brings this. */
  needs?: Stimulus
}

export const requirements = [
  { id: 'info.identity', title: 'It names itself, its version and an interface version 1.x' },
  { id: 'info.capabilities', title: 'Its capabilities are yes, no or unknown, and chat is not no' },
  { id: 'info.methods', title: 'Each optional method whose capability is yes is there' },

  { id: 'health.before-start', title: 'Health answers before start: nothing is active or queued' },
  { id: 'health.running', title: 'Health after start: running, and nothing active or queued' },
  { id: 'health.while-chatting', title: 'Health answers in the middle of a chat and counts it as active' },
  { id: 'health.after-stop', title: 'Health answers after stop: nothing is active or queued' },

  { id: 'lifecycle.start-twice', title: 'A second start is no error' },
  { id: 'lifecycle.starts-join', title: 'Several starts at once all resolve, and it can be asked' },
  { id: 'lifecycle.stop-twice', title: 'A second stop, and a stop without a start, are no error' },
  { id: 'lifecycle.restart', title: 'After stop it can be started and asked again' },
  { id: 'lifecycle.stop-during-start', title: 'A stop during a start settles both, and a later start works' },
  { id: 'lifecycle.start-aborted', title: 'A start whose signal aborts settles, and a later start works' },
  {
    id: 'lifecycle.stop-ends-chats',
    title: 'Stop ends a running chat: finish cancelled, or backend-stopped is thrown',
  },
  { id: 'lifecycle.dispose', title: 'Disposing twice is no error, and health still answers' },

  { id: 'models.listed', title: 'The list has the model, and each id once' },
  { id: 'models.shown', title: 'Where models can be shown: the model under its id, model-not-found for others' },

  { id: 'chat.one-finish', title: 'A chat ends with exactly one finish part' },
  { id: 'chat.finish-last', title: 'Nothing comes after the finish part' },
  { id: 'chat.several-deltas', title: 'Text comes as it is made: in several deltas' },
  { id: 'chat.no-empty-delta', title: 'No delta is empty' },
  { id: 'chat.whole-characters', title: 'No delta holds half a character' },
  { id: 'chat.part-shapes', title: 'Every part has the fields of its type' },
  { id: 'chat.usage', title: 'The finish says how many tokens were read and written, and the numbers make sense' },
  { id: 'chat.usage-grows', title: 'A longer question counts as more tokens read' },
  { id: 'chat.status-order', title: 'Statuses come in the order of phases, none of preparation after the first text' },
  { id: 'chat.progress', title: 'Progress within a phase is never negative, above its total, or going back' },
  { id: 'chat.natural-end', title: 'An answer that ends by itself finishes with stop' },
  { id: 'chat.max-tokens', title: 'An answer cut by maxTokens finishes with length, and has no more tokens than that' },
  {
    id: 'chat.stop-sequence',
    title: 'The answer ends before a stop sequence, which is no part of it, and finishes with stop',
  },
  { id: 'chat.side-by-side', title: 'Chats at the same time each get their own answer' },
  { id: 'chat.slow-reader', title: 'A reader that takes its time loses nothing' },
  { id: 'chat.system', title: 'A system message is read' },
  { id: 'chat.turns', title: 'Earlier turns are read' },
  { id: 'chat.file', title: 'A text file in a message is read' },
  { id: 'chat.settings', title: 'Temperature, topP and seed are accepted, or warned about' },
  {
    id: 'chat.unsupported-setting',
    title: 'A setting that it cannot honour is answered by a warning that names it',
    needs: 'unsupportedSetting',
  },

  { id: 'cancel.before-start', title: 'A chat whose signal is aborted already: finish cancelled, and no text' },
  { id: 'cancel.before-first-token', title: 'An abort before the first token: finish cancelled, no error' },
  { id: 'cancel.mid-stream', title: 'An abort in mid-stream: finish cancelled, no error, the text so far is kept' },
  { id: 'cancel.idle', title: 'After an abort nothing is active any more' },
  { id: 'cancel.reader-leaves', title: 'After the reader left the loop nothing is active any more' },
  { id: 'cancel.only-its-own', title: 'An abort leaves the other chats alone' },
  { id: 'cancel.next-chat', title: 'After an abort the next chat is answered in full' },

  { id: 'errors.model-not-found', title: 'An unknown model: model-not-found, before any text' },
  { id: 'errors.empty-messages', title: 'No messages: bad-input' },
  { id: 'errors.context-overflow', title: 'A prompt that does not fit: context-overflow, never cut in silence' },
  { id: 'errors.not-fatal', title: 'After an error the next chat is answered' },

  { id: 'continue.only-new', title: 'A continuation does not repeat what is there', capability: 'continue' },
  {
    id: 'continue.exact',
    title: 'At temperature 0, a prefix of an answer and its continuation are the unbroken answer',
    capability: 'continue',
  },
  {
    id: 'continue.last-message',
    title: 'To continue when the last message is not an assistant’s is bad-input',
    capability: 'continue',
  },
  { id: 'continue.declined', title: 'Asked to continue though it cannot: unsupported', without: 'continue' },

  {
    id: 'tools.call',
    title: 'A call names a given tool, has an id and raw arguments; the finish is tool-calls',
    capability: 'tools',
  },
  { id: 'tools.result', title: 'A call with its result is taken back, and answered', capability: 'tools' },
  { id: 'tools.none', title: 'With toolChoice none no tool is called', capability: 'tools' },
  { id: 'tools.declined', title: 'Given tools though it cannot call: unsupported, or a warning', without: 'tools' },

  { id: 'json-schema.obeyed', title: 'Under a schema the answer is JSON that satisfies it', capability: 'json-schema' },
  {
    id: 'json-schema.declined',
    title: 'Given a schema though it cannot obey: unsupported, or a warning',
    without: 'json-schema',
  },

  { id: 'vision.read', title: 'An image is read, and answered', capability: 'vision' },
  { id: 'vision.declined', title: 'Given an image though it cannot see: unsupported, or a warning', without: 'vision' },

  { id: 'reasoning.apart', title: 'Thoughts come as reasoning deltas, not in the text', capability: 'reasoning' },
  { id: 'reasoning.off', title: 'Asked not to think, it does not, or warns', capability: 'reasoning' },
  {
    id: 'reasoning.declined',
    title: 'Asked to think though it cannot: a warning, or unsupported',
    without: 'reasoning',
  },

  {
    id: 'logprobs.told',
    title: 'Text comes with the probabilities of its tokens, none above 1, and no more alternatives than asked for',
    capability: 'logprobs',
  },
  {
    id: 'logprobs.declined',
    title: 'Asked for log probabilities though it cannot: unsupported, or a warning that names options.logprobs',
    without: 'logprobs',
  },

  { id: 'embed.vectors', title: 'One vector for each text, all of one length, of finite numbers', capability: 'embed' },
  { id: 'embed.same', title: 'The same text has the same vector, another text another one', capability: 'embed' },
  { id: 'embed.declined', title: 'Asked to embed though it cannot: unsupported', without: 'embed' },

  { id: 'count-tokens.grows', title: 'More text is more tokens', capability: 'count-tokens' },
  { id: 'count-tokens.exact', title: 'An exact count is what the chat then reads', capability: 'count-tokens' },
  { id: 'count-tokens.tools', title: 'Tools count as the chat reads them', capability: 'count-tokens' },
  { id: 'count-tokens.declined', title: 'Asked to count though it cannot: unsupported', without: 'count-tokens' },

  { id: 'load.ready', title: 'After a load, health shows the model as ready', capability: 'load' },
  { id: 'load.not-found', title: 'To load an unknown model is model-not-found', capability: 'load' },
  { id: 'load.declined', title: 'Asked to load though it cannot: unsupported', without: 'load' },
  { id: 'unload.gone', title: 'After an unload, health no longer shows the model as ready', capability: 'unload' },
  { id: 'unload.declined', title: 'Asked to unload though it cannot: unsupported', without: 'unload' },

  {
    id: 'pull.done',
    title: 'A pull ends with one step that says done, and the model is listed',
    capability: 'pull',
    needs: 'pullableModel',
  },
  { id: 'pull.not-found', title: 'To pull what does not exist throws a typed error', capability: 'pull' },
  {
    id: 'pull.cancelled',
    title: 'A pull whose signal is aborted throws cancelled, and never says done',
    capability: 'pull',
    needs: 'pullableModel',
  },
  { id: 'pull.declined', title: 'Asked to pull though it cannot: unsupported', without: 'pull' },
  {
    id: 'remove.gone',
    title: 'A removed model is no longer listed',
    capability: 'remove',
    needs: 'pullableModel',
  },
  { id: 'remove.not-found', title: 'To remove an unknown model is model-not-found', capability: 'remove' },
  { id: 'remove.declined', title: 'Asked to remove though it cannot: unsupported', without: 'remove' },

  {
    id: 'fault.slow-load',
    title: 'While a model loads, loading statuses with growing progress come',
    needs: 'scenarios.slowLoad',
  },
  { id: 'fault.load-fails', title: 'A model that does not load: model-load-failed', needs: 'scenarios.loadFails' },
  {
    id: 'fault.drop',
    title: 'A connection that breaks: the text so far, then stream-incomplete or engine-died',
    needs: 'scenarios.drop',
  },
  {
    id: 'fault.clean-end',
    title: 'A stream that ends without its marker: the text so far, then stream-incomplete',
    needs: 'scenarios.cleanEnd',
  },
  {
    id: 'fault.error',
    title: 'An error in mid-stream: the text so far, then a typed error',
    needs: 'scenarios.error',
  },
  {
    id: 'fault.malformed',
    title: 'A line that is no message: the text so far, then stream-malformed',
    needs: 'scenarios.malformed',
  },
  {
    id: 'fault.stall',
    title: 'A chat that stalls can be aborted, and then nothing is active',
    needs: 'scenarios.stall',
  },
  {
    id: 'fault.hang',
    title: 'A chat that hangs can be aborted, and health answers meanwhile',
    needs: 'scenarios.hang',
  },
  { id: 'fault.refuse', title: 'A refused request: a typed error before any text', needs: 'scenarios.refuse' },
  {
    id: 'fault.fail-at-once',
    title: 'An engine that answers with an error: engine-failed before any text',
    needs: 'scenarios.failAtOnce',
  },
] as const satisfies readonly Requirement[]

export type RequirementId = (typeof requirements)[number]['id']
