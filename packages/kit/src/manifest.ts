import type { Capabilities } from './capability.ts'

/** `lmapp-backend.json`: what a folder must have to be a backend. Keys are snake_case, as in every language's view of it. */
export interface Manifest {
  /** Of a-z, 0-9 and -, not first, at most 64; unique on this machine. */
  name: string
  version: string
  description?: string
  /** Language it is written in, for people: `rust`, `go`, `python`, `node`. */
  language: string
  /** `1.0`; a host accepts every minor version of the major it knows. */
  interface_version: string
  /** The methods it answers, snake_case. The six of the contract are required. */
  methods: string[]
  execution: 'subprocess' | 'ffi' | 'grpc'
  /** `linux-x64`, `darwin-arm64`, `win32-x64` …; absent: all. */
  platforms?: string[]
  /** For `subprocess`: program and arguments. A relative program or script is taken from the manifest's folder. */
  command?: string[]
  /** For `grpc`: `host:port` on loopback, or `unix:PATH`. */
  address?: string
  /** For `ffi`: the shared library, by platform or for all. */
  library?: string | Record<string, string>
  capabilities?: Capabilities
  /** JSON Schema of `config` in `hello`. */
  config_schema?: Record<string, unknown>
}

export const manifestFileName = 'lmapp-backend.json'

/** What a plugin may be called: it is an id, a folder's name and a word on the command line. */
export const pluginNamePattern = /^[a-z0-9][a-z0-9-]{0,63}$/

export const requiredMethods = ['start', 'stop', 'is_running', 'chat', 'list_models', 'get_info'] as const
export const optionalMethods = [
  'show_model',
  'embed',
  'count_tokens',
  'load_model',
  'unload_model',
  'pull_model',
  'remove_model',
] as const

export type MethodName = (typeof requiredMethods)[number] | (typeof optionalMethods)[number]
