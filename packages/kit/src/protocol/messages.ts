/**
 * The subprocess protocol: JSON-RPC 2.0, one object a line, UTF-8, LF, lines ≤ 8 MiB, on stdin and stdout.
 * `specs/lifecycle.md` says who may send what when.
 */
import type { BackendInfo, ModelInfo, TokenCount } from '../backend.ts'
import type { ChatRequest, ToolDefinition } from '../chat-request.ts'
import type { Message } from '../content.ts'
import type { ErrorCode } from '../errors/error-table.ts'
import type { Finish, Part, Progress } from '../part.ts'

export const maxLineBytes = 8 * 1024 * 1024
/** A value whose JSON is longer than this travels as a file. */
export const inlineLimitBytes = 1024 * 1024
/** Credit a host grants at first when it says nothing else. */
export const defaultCredit = 256

export type RequestId = number | string

export interface RpcRequest {
  jsonrpc: '2.0'
  id: RequestId
  method: string
  params?: unknown
}

export interface RpcNotification {
  jsonrpc: '2.0'
  method: string
  params?: unknown
}

export interface RpcError {
  /** The `rpc` number of the error table. */
  code: number
  message: string
  data?: { code: ErrorCode; hint?: string; details?: Record<string, unknown> }
}

export type RpcResponse =
  | { jsonrpc: '2.0'; id: RequestId; result: unknown }
  | { jsonrpc: '2.0'; id: RequestId | null; error: RpcError }

export type RpcMessage = RpcRequest | RpcNotification | RpcResponse

/**
 * A value too large for a line: a file of mode 0600, directly in the `exchangeDir` that `hello` named.
 * The receiver checks size and hash, reads, and leaves it; the host removes it when its request is over, whoever wrote it.
 */
export interface FileValue {
  /** Its full path. */
  file: string
  bytes: number
  /** Lower-case hex. */
  sha256: string
}

/** The first request, from the host. Nothing else may be sent before it is answered. */
export interface HelloParams {
  interfaceVersions: string[]
  /** Echoed in the answer: it proves that this line was read by what answers. */
  nonce: string
  config: Record<string, unknown>
  /** Only here, never in arguments or environment. */
  secrets: Record<string, string>
  limits: { maxLineBytes: number; inlineLimitBytes: number; cancelDeadlineMs: number }
  /** The plugin's own folder for what it keeps. */
  dataDir: string
  /** Mode 0700; for `FileValue`s in both directions. */
  exchangeDir: string
}

export interface HelloResult {
  interfaceVersion: string
  nonce: string
  info: BackendInfo
}

/** `chat`. Its response is the `finish`; without a response the answer is incomplete. */
export interface ChatParams {
  /** In full, or as a file that holds its JSON. */
  request: ChatRequest | FileValue
  /** Parts that may be sent before more credit comes. */
  credit: number
}

export type ChatResult = Finish

/** Notification, plugin to host. `id` is the request's; `seq` counts these notifications from 1 within the chat. */
export interface PartsParams {
  id: RequestId
  seq: number
  parts: Exclude<Part, Finish>[]
}

/** Notification, host to plugin: so many more parts may come. */
export interface CreditParams {
  id: RequestId
  parts: number
}

/** Notification, host to plugin. The request is answered within `cancelDeadlineMs`, a chat with its `cancelled` finish. */
export interface CancelParams {
  id: RequestId
}

/** Notification, plugin to host, while `pull_model` runs; its response is the end. */
export interface PullProgressParams {
  id: RequestId
  status: string
  progress?: Progress
}

export interface ListModelsResult {
  models: ModelInfo[]
}

export interface CountTokensParams {
  model: string
  messages: Message[] | FileValue
  tools?: ToolDefinition[]
}

export type CountTokensResult = TokenCount

export interface EmbedParams {
  model: string
  input: string[] | FileValue
}

/** Each vector is base64 of little-endian float32, or all of them are one file of such bytes, row after row. */
export interface EmbedResult {
  vectors: string[] | FileValue
  dimensions: number
  inputTokens?: number
}

export interface ModelParams {
  model: string
}

/** Notification, plugin to host: lines for people; also possible on stderr. */
export interface LogParams {
  level: 'debug' | 'info' | 'warning' | 'error'
  message: string
}

/** Notifications without parameters, plugin to host: ask again when you need to know. */
export type ChangeNotification = 'models_changed' | 'state_changed'

export function isFileValue(value: unknown): value is FileValue {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as FileValue).file === 'string' &&
    typeof (value as FileValue).bytes === 'number' &&
    typeof (value as FileValue).sha256 === 'string'
  )
}
