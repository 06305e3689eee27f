import { type ErrorCode, errorTable } from '../errors/error-table.ts'
import { isErrorCode, isLmappError, LmappError, parseErrorData } from '../errors/lmapp-error.ts'
import type { RpcError } from './messages.ts'

/** What a plain error becomes: a bug of the side that answers, JSON-RPC's "internal error". */
const internalError = -32603

const codeByNumber = new Map<number, ErrorCode>([
  ...Object.entries(errorTable).map(([code, entry]) => [entry.rpc, code as ErrorCode] as const),
  [-32700, 'protocol-violation'],
  [-32600, 'protocol-violation'],
])

export function toRpcError(error: unknown): RpcError {
  if (isLmappError(error)) {
    const { code, message, hint, details } = error.toData()
    return {
      code: error.entry.rpc,
      message,
      data: { code, ...(hint !== undefined && { hint }), ...(details && { details }) },
    }
  }
  if (error instanceof Error && error.name === 'AbortError')
    return toRpcError(new LmappError('cancelled', 'Cancelled.'))
  const message = error instanceof Error ? error.message : String(error)
  return { code: internalError, message, data: { code: 'engine-failed' } }
}

/** Never throws. `data.code` wins; without one that is known, the number decides. */
export function parseRpcError(value: unknown): LmappError {
  const error = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  const data = typeof error.data === 'object' && error.data !== null ? (error.data as Record<string, unknown>) : {}
  const byNumber = typeof error.code === 'number' ? codeByNumber.get(error.code) : undefined
  return parseErrorData({ ...data, code: isErrorCode(data.code) ? data.code : byNumber, message: error.message })
}
