import { toHeaderText, toWarningHeader } from './warning-header.ts'

/** Who answers, as backend/model, and what was left out of the request, for people. */
export function toModelHeaders(model: string, warnings: readonly string[]): Record<string, string> {
  return {
    'x-lmapp-backend': toHeaderText(model.split('/', 1)[0] ?? ''),
    'x-lmapp-model': toHeaderText(model),
    ...toWarningHeader(warnings),
  }
}
