import { sendJson } from '../../http/reply.ts'
import { toWarningHeader } from '../../http/warning-header.ts'
import { lenient, type Read } from '../../parse/fields.ts'
import type { Context } from '../../routes/route.ts'
import { promptFields } from './body.ts'
import { input } from './input.ts'
import { readConversation } from './read-conversation.ts'
import { toToolUse } from './tools.ts'

/** The body of `POST /v1/responses/input_tokens`. Other fields are of no weight here. */
export const inputTokensRequest = lenient({ input }, promptFields)

export async function countInputTokens(context: Context, body: Read<typeof inputTokensRequest>): Promise<void> {
  const { app, caller, principal, response } = context
  const { model, instructions = null, previous_response_id: previous = null } = body
  const asked = { items: body.input.items, instructions, previous }
  const { messages } = readConversation(asked, context.responses, principal.owner)
  const { tools } = toToolUse(body.tools ?? { definitions: [] }, body.tool_choice)
  const request = { messages, ...(model !== undefined && { model }), ...(tools && { tools }) }
  const { tokens, exact } = await app.countTokens(caller, request)
  const warnings = [...body.input.ignored, ...(body.tools?.ignored ?? [])]
  if (!exact) warnings.push('An estimate: the engine cannot count.')
  sendJson(response, { object: 'response.input_tokens', input_tokens: tokens }, 200, toWarningHeader(warnings))
}
