import type { ChatOptions, ErrorCode } from 'lmapp-kit'

/** How one model is asked: which program runs, and how a request becomes its arguments and its input. */
export interface ProgramConfig {
  /** Program and arguments, in which `{model}`, `{prompt}` and `{args}` may stand. */
  command: string[]
  /** Where the prompt goes. */
  prompt: 'stdin' | 'argument'
  /** How messages become one text. Default: see `renderPrompt`. */
  template?: Template
  /** Arguments of the system prompt, with `{system}`. Without them it is a part of the prompt. */
  system?: string[]
  /** Arguments of a setting, with `{value}`. */
  options: { [name in keyof ChatOptions]?: string[] }
  /** Added to the environment. `{apiKey}` stands for the backend's key. */
  environment: Record<string, string>
  /** Working directory. Default: the plugin's own data folder. */
  directory?: string
  /** Whether white space around the answer is dropped. */
  trim: boolean
  /** Where the program says on stderr how many tokens it used: the first group is the number. */
  usage: { input?: RegExp; output?: RegExp }
  /** What words on stderr mean when the program fails before its answer. */
  errors: { code: ErrorCode; pattern: RegExp }[]
}

/** Each holds `{text}`, but `ending`, which stands last. */
export interface Template {
  system: string
  user: string
  assistant: string
  tool: string
  ending: string
}

export const defaultTemplate: Template = {
  system: 'System: {text}\n\n',
  user: 'User: {text}\n\n',
  assistant: 'Assistant: {text}\n\n',
  tool: 'Tool: {text}\n\n',
  ending: 'Assistant:',
}

/** A command that prints the names of the models. */
export interface ListConfig {
  command: string[]
  /** The first group is the name; lines without it are left out. */
  pattern?: RegExp
  /** How each of them is asked. */
  program: ProgramConfig
}

export interface NodeCliConfig {
  models: ReadonlyMap<string, ProgramConfig>
  list?: ListConfig
  /** Programs that run at once. */
  parallel: number
}
