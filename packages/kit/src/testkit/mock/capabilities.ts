import type { Capabilities, Support } from '../../capability.ts'
import type { MockScript } from './mock-script.ts'

export function toModelCapabilities(script: MockScript): Capabilities {
  return {
    chat: 'yes',
    continue: toSupport(script.continue ?? true),
    tools: toSupport(script.toolCall !== undefined),
    'json-schema': toSupport(script.schema ?? true),
    vision: toSupport(script.seesImages ?? false),
    reasoning: toSupport(script.reasoningText !== undefined),
    logprobs: toSupport(script.logprobs ?? false),
    embed: toSupport(script.embedDimensions !== undefined),
    parallel: script.parallel ?? 4,
  }
}

/** What at least one of its models can do, and what the mock does for all of them. */
export function toBackendCapabilities(scripts: Iterable<MockScript>): Capabilities {
  const all = [...scripts].map(toModelCapabilities)
  const some = (name: 'continue' | 'tools' | 'json-schema' | 'vision' | 'reasoning' | 'logprobs' | 'embed') =>
    toSupport(all.some((capabilities) => capabilities[name] === 'yes'))
  return {
    chat: 'yes',
    continue: some('continue'),
    tools: some('tools'),
    'json-schema': some('json-schema'),
    vision: some('vision'),
    reasoning: some('reasoning'),
    logprobs: some('logprobs'),
    embed: some('embed'),
    'count-tokens': 'yes',
    load: 'yes',
    unload: 'yes',
    pull: 'yes',
    remove: 'yes',
  }
}

function toSupport(able: boolean): Support {
  return able ? 'yes' : 'no'
}
