import { randomInt } from 'node:crypto'
import type { ChatOptions, ChatRequest, Warning } from 'lmapp-kit'
import type { SequenceEvaluateOptions, Token } from 'node-llama-cpp'

/** What llama.cpp's own server takes when nothing is asked. */
const defaults = { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05 }

const penaltyWindowTokens = 64

/** `recent`: what the penalties of repetition look at, newest last. */
export function toSampling(options: ChatOptions, recent: () => readonly Token[]): SequenceEvaluateOptions {
  const { repeatPenalty, presencePenalty, frequencyPenalty } = options
  const penalises = repeatPenalty !== undefined || presencePenalty !== undefined || frequencyPenalty !== undefined
  return {
    temperature: options.temperature ?? defaults.temperature,
    topK: options.topK ?? defaults.topK,
    topP: options.topP ?? defaults.topP,
    minP: options.minP ?? defaults.minP,
    seed: options.seed ?? randomInt(2 ** 32 - 1),
    ...(penalises && {
      repeatPenalty: {
        punishTokens: () => recent().slice(-penaltyWindowTokens),
        penalty: repeatPenalty ?? 1,
        ...(presencePenalty !== undefined && { presencePenalty }),
        ...(frequencyPenalty !== undefined && { frequencyPenalty }),
      },
    }),
  }
}

const knownOptions: ReadonlySet<string> = new Set<keyof ChatOptions>([
  'temperature',
  'topP',
  'topK',
  'minP',
  'repeatPenalty',
  'presencePenalty',
  'frequencyPenalty',
  'seed',
  'maxTokens',
  'stop',
  'contextLength',
])

/** One warning for each setting that will have no effect. */
export function settingWarnings(request: ChatRequest): Warning[] {
  const settings = [
    ...Object.keys(request.options ?? {})
      .filter((name) => !knownOptions.has(name))
      .map((name) => `options.${name}`),
    ...Object.keys(request.vendor ?? {}).map((name) => `vendor.${name}`),
  ]
  return settings.map((setting) => unsupportedSetting(setting, `llama.cpp knows no "${setting}" here.`))
}

export function unsupportedSetting(setting: string, message: string): Warning {
  return { type: 'warning', code: 'unsupported-setting', message, setting }
}
