import type { OptionSpec } from '../command-spec.ts'

export const json: OptionSpec = { name: 'json', help: 'machine-readable, on stdout' }
export const lines: OptionSpec = { name: 'lines', short: 'n', value: 'N', help: 'how many of the last lines (100)' }

export const yesToFetch: OptionSpec = { name: 'yes', short: 'y', help: 'fetches without a question' }

export const uselessYes: OptionSpec = {
  name: 'yes',
  short: 'y',
  help: 'nothing is asked; accepted for scripts that say it anyway',
}

/** Every command knows these. */
export const globalOptions: readonly OptionSpec[] = [
  { name: 'help', short: 'h', help: 'what can be said here' },
  { name: 'version', short: 'V', help: 'the version' },
  { name: 'color', help: 'colours even where the stream is no terminal' },
  { name: 'no-color', help: 'no colours' },
]

export const answerOptions: readonly OptionSpec[] = [
  { name: 'json', help: 'one JSON object a line: the parts, then the end' },
  { name: 'hide-reasoning', short: 'R', help: 'does not show what the model thinks' },
  { name: 'quiet', short: 'q', help: 'nothing on stderr but errors' },
  { name: 'no-failover', help: 'no other backend takes over' },
]

export const modelOption: OptionSpec = {
  name: 'model',
  short: 'm',
  value: 'REF',
  help: 'an alias, backend/model, or a model name',
}

export const settingOption: OptionSpec = {
  name: 'option',
  short: 'o',
  value: 'KEY=VALUE',
  repeatable: true,
  help: 'temperature, top_p, seed, max_tokens, num_ctx, stop …',
}

export const plainOption: OptionSpec = {
  name: 'plain',
  help: 'for a screen reader: nothing is drawn twice, nothing is decorated',
}
