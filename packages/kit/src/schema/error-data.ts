import * as z from 'zod'
import { type ErrorCode, errorTable } from '../errors/error-table.ts'
import type { ErrorData } from '../errors/lmapp-error.ts'
import { anyObject, members, open } from './members.ts'

const codes = Object.keys(errorTable) as [ErrorCode, ...ErrorCode[]]

export const errorCode = open(codes, 'engine-failed') satisfies z.ZodType<ErrorCode>

export const errorData = members<ErrorData>()({
  code: errorCode,
  message: z.string(),
  hint: z.exactOptional(z.string()).describe('The next command, or what else the user does.'),
  details: z.exactOptional(anyObject),
}) satisfies z.ZodType<ErrorData>
