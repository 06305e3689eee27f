import * as z from 'zod'
import type {
  CancelParams,
  ChatParams,
  CountTokensParams,
  CreditParams,
  EmbedParams,
  EmbedResult,
  FileValue,
  HelloParams,
  HelloResult,
  ListModelsResult,
  LogParams,
  ModelParams,
  PartsParams,
  PullProgressParams,
  RequestId,
  RpcError,
  RpcNotification,
  RpcRequest,
  RpcResponse,
} from '../protocol/messages.ts'
import { backendInfo, modelInfo } from './backend.ts'
import { chatRequest, toolDefinition } from './chat-request.ts'
import { message } from './content.ts'
import { errorCode } from './error-data.ts'
import { anyObject, count, members, open } from './members.ts'
import { progress, streamedPart } from './part.ts'

export const requestId = z.union([z.number(), z.string()]) satisfies z.ZodType<RequestId>

export const fileValue = members<FileValue>()({
  file: z.string().describe('Full path, directly in `exchangeDir`.'),
  bytes: count,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
}) satisfies z.ZodType<FileValue>

export const helloParams = members<HelloParams>()({
  interfaceVersions: z.array(z.string()),
  nonce: z.string().describe('Echoed in the answer.'),
  config: anyObject,
  secrets: z.record(z.string(), z.string()),
  limits: z.looseObject({ maxLineBytes: count, inlineLimitBytes: count, cancelDeadlineMs: count }),
  dataDir: z.string().describe("The plugin's own folder for what it keeps."),
  exchangeDir: z.string().describe('Mode 0700; for values that travel as files, in both directions.'),
}) satisfies z.ZodType<HelloParams>

export const helloResult = members<HelloResult>()({
  interfaceVersion: z.string(),
  nonce: z.string(),
  info: backendInfo,
}) satisfies z.ZodType<HelloResult>

export const chatParams = members<ChatParams>()({
  request: z.union([chatRequest, fileValue]),
  credit: count.describe('Parts that may be sent before more credit comes.'),
}) satisfies z.ZodType<ChatParams>

export const partsParams = members<PartsParams>()({
  id: requestId.describe('Of the `chat` request.'),
  seq: z.int().min(1).describe('Counts these notifications within the chat, without gaps.'),
  parts: z.array(streamedPart).min(1).describe('A reader leaves out parts whose type it does not know.'),
}) satisfies z.ZodType<PartsParams>

export const creditParams = members<CreditParams>()({
  id: requestId,
  parts: count.describe('So many more may come.'),
}) satisfies z.ZodType<CreditParams>

export const cancelParams = members<CancelParams>()({ id: requestId }) satisfies z.ZodType<CancelParams>

export const pullProgressParams = members<PullProgressParams>()({
  id: requestId,
  status: z.string(),
  progress: z.exactOptional(progress),
}) satisfies z.ZodType<PullProgressParams>

export const listModelsResult = members<ListModelsResult>()({
  models: z.array(modelInfo),
}) satisfies z.ZodType<ListModelsResult>

export const countTokensParams = members<CountTokensParams>()({
  model: z.string(),
  messages: z.union([z.array(message), fileValue]),
  tools: z
    .exactOptional(z.array(toolDefinition))
    .describe('Counted as a chat with them reads them. No model is loaded for a count: it is an estimate then.'),
}) satisfies z.ZodType<CountTokensParams>

export const embedParams = members<EmbedParams>()({
  model: z.string(),
  input: z.union([z.array(z.string()), fileValue]),
}) satisfies z.ZodType<EmbedParams>

export const embedResult = members<EmbedResult>()({
  vectors: z
    .union([z.array(z.string()), fileValue])
    .describe('Each is base64 of little-endian float32, or all of them are one file, row after row.'),
  dimensions: count,
  inputTokens: z.exactOptional(count),
}) satisfies z.ZodType<EmbedResult>

export const modelParams = members<ModelParams>()({ model: z.string() }) satisfies z.ZodType<ModelParams>

export const logParams = members<LogParams>()({
  level: open(['debug', 'info', 'warning', 'error'], 'info'),
  message: z.string(),
}) satisfies z.ZodType<LogParams>

const jsonrpc = z.literal('2.0')

export const rpcRequest = members<RpcRequest>()({
  jsonrpc,
  id: requestId,
  method: z.string(),
  params: z.exactOptional(z.unknown()),
}) satisfies z.ZodType<RpcRequest>

export const rpcNotification = members<RpcNotification>()({
  jsonrpc,
  method: z.string(),
  params: z.exactOptional(z.unknown()),
}) satisfies z.ZodType<RpcNotification>

export const rpcError = members<RpcError>()({
  code: z.int().describe('The number in `errors.md`.'),
  message: z.string(),
  data: z.exactOptional(
    z.looseObject({ code: errorCode, hint: z.exactOptional(z.string()), details: z.exactOptional(anyObject) }),
  ),
}) satisfies z.ZodType<RpcError>

export const rpcResponse = z.union([
  z.looseObject({ jsonrpc, id: z.union([requestId, z.null()]), error: rpcError }),
  z.looseObject({ jsonrpc, id: requestId, result: z.unknown() }),
]) satisfies z.ZodType<RpcResponse>
