/** What a backend or a model can do, as data. `unknown`: only trying will tell. */
export type Support = 'yes' | 'no' | 'unknown'

export const capabilityNames = [
  'chat',
  'continue',
  'tools',
  'json-schema',
  'vision',
  'reasoning',
  'logprobs',
  'embed',
  'count-tokens',
  'load',
  'unload',
  'pull',
  'remove',
] as const

export type CapabilityName = (typeof capabilityNames)[number]

/** A missing name means `unknown` for a model, `no` for a backend. Unknown names are kept and ignored. */
export type Capabilities = { [name in CapabilityName]?: Support } & {
  /** Chats that the engine runs side by side; more are queued. */
  parallel?: number
}
