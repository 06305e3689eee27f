import type { Support } from 'lmapp-kit'
import { toFields, toOptionalCount, toOptionalText } from '../json/fields.ts'

/** What `/props` says of one model. */
export interface ModelProps {
  path?: string
  /** The name that it was given, or its path. */
  alias?: string
  quantization?: string
  /** Of one slot, prompt and answer together, in tokens. */
  contextLength?: number
  /** Chats side by side. */
  slots?: number
  template?: string
  vision: Support
  tools: Support
  reasoning: Support
  /** The template has a variable that switches thinking on and off. */
  hasReasoningSwitch: boolean
  hasReasoningLevels: boolean
}

export interface ServerProps {
  /** Of the engine, as `b11434-1a2b3c4`. */
  version: string
  /** Undefined with a router: it serves several models, each with its own. */
  model?: ModelProps
}

/** Undefined when it is not what llama-server answers. */
export function parseServerProps(value: unknown): ServerProps | undefined {
  const fields = toFields(value)
  const version = toOptionalText(fields.build_info) ?? 'unknown'
  if (fields.role === 'router') return { version }
  const model = parseModelProps(value)
  return model && { version, model }
}

/** Undefined when it is not what llama-server answers. */
export function parseModelProps(value: unknown): ModelProps | undefined {
  const fields = toFields(value)
  const path = toOptionalText(fields.model_path)
  const alias = toOptionalText(fields.model_alias)
  const settings = fields.default_generation_settings
  if (typeof settings !== 'object' || settings === null || (path ?? alias) === undefined) return undefined
  const quantization = toOptionalText(fields.model_ftype)
  const contextLength = toOptionalCount(toFields(settings).n_ctx)
  const slots = toOptionalCount(fields.total_slots)
  const template = toOptionalText(fields.chat_template)
  return {
    ...(path !== undefined && { path }),
    ...(alias !== undefined && { alias }),
    ...(quantization !== undefined && { quantization }),
    ...(contextLength && { contextLength }),
    ...(slots && { slots }),
    ...(template !== undefined && { template }),
    vision: toSupport(toFields(fields.modalities).vision),
    ...toTemplateAbilities(template, toFields(fields.chat_template_caps)),
  }
}

/** Marks of thinking in the templates of the models that do it. */
const thinkingMarks = /think|reasoning|<\|channel\|>/i

/** A template without the variable for tools never shows them to the model. Older versions do not say. */
function toTemplateAbilities(template: string | undefined, caps: Readonly<Record<string, unknown>>) {
  const hasReasoningSwitch = /\benable_thinking\b/.test(template ?? '')
  const hasReasoningLevels = caps.supports_reasoning_effort === true
  const reasons = hasReasoningSwitch || hasReasoningLevels || caps.supports_preserve_reasoning === true
  return {
    tools: toSupport(caps.supports_tools),
    reasoning: reasons ? ('yes' as const) : toReasoning(template),
    hasReasoningSwitch,
    hasReasoningLevels,
  }
}

function toReasoning(template: string | undefined): Support {
  return template === undefined || thinkingMarks.test(template) ? 'unknown' : 'no'
}

function toSupport(value: unknown): Support {
  if (typeof value !== 'boolean') return 'unknown'
  return value ? 'yes' : 'no'
}
