import * as z from 'zod'
import type { CapabilityName } from '../capability.ts'
import type { MethodName } from '../manifest.ts'
import { backendInfo, health, modelInfo, tokenCount } from './backend.ts'
import { finish } from './part.ts'
import {
  cancelParams,
  chatParams,
  countTokensParams,
  creditParams,
  embedParams,
  embedResult,
  helloParams,
  helloResult,
  listModelsResult,
  logParams,
  modelParams,
  partsParams,
  pullProgressParams,
} from './protocol.ts'

export interface MethodSchema {
  /** Absent: `{}`. */
  params?: z.ZodType
  /** Absent: `null`. */
  result?: z.ZodType
  /** The method is there where the backend has this capability. */
  capability?: CapabilityName
}

/** The requests, host to plugin. */
export const methodSchemas: Readonly<Record<'hello' | MethodName, MethodSchema>> = {
  hello: { params: helloParams, result: helloResult },
  start: {},
  stop: {},
  is_running: { result: health },
  get_info: { result: backendInfo },
  list_models: { result: listModelsResult },
  chat: { params: chatParams, result: finish },
  show_model: { params: modelParams, result: modelInfo },
  count_tokens: { params: countTokensParams, result: tokenCount, capability: 'count-tokens' },
  embed: { params: embedParams, result: embedResult, capability: 'embed' },
  load_model: { params: modelParams, capability: 'load' },
  unload_model: { params: modelParams, capability: 'unload' },
  pull_model: { params: modelParams, result: z.looseObject({ status: z.string() }), capability: 'pull' },
  remove_model: { params: modelParams, capability: 'remove' },
}

export interface NotificationSchema {
  from: 'host' | 'plugin'
  /** Absent: none. */
  params?: z.ZodType
}

export const notificationSchemas: Readonly<Record<string, NotificationSchema>> = {
  parts: { from: 'plugin', params: partsParams },
  credit: { from: 'host', params: creditParams },
  cancel: { from: 'host', params: cancelParams },
  pull_progress: { from: 'plugin', params: pullProgressParams },
  log: { from: 'plugin', params: logParams },
  models_changed: { from: 'plugin' },
  state_changed: { from: 'plugin' },
}
