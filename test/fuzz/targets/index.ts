import type { Target } from '../target.ts'
import { api } from './api.ts'
import { host } from './host.ts'
import { lines } from './lines.ts'
import { installations, json, manifests, verifySettings } from './manifests.ts'
import { messages } from './messages.ts'
import { serve } from './serve.ts'
import { verify } from './verify.ts'

export const targets: readonly Target[] = [
  lines,
  messages,
  json,
  manifests,
  installations,
  verifySettings,
  serve,
  host,
  verify,
  api,
]
