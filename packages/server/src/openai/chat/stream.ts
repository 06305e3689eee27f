import type { AnswerEncoder } from '../../answer/index.ts'
import { toFinishReason } from '../finish-reason.ts'
import type { Head } from '../head.ts'
import { toChatLogprobs } from '../logprobs.ts'
import { doneFrame, toCommentFrame, toErrorFrame } from '../stream-frames.ts'
import { toUsage } from '../usage.ts'
import { toWireCall } from './answer.ts'

/**
 * The chunks of an answer. Thousands of them leave in a second, so a chunk of text is what is the same in all, around
 * the text.
 */
export function createChatEncoder(head: Head, { includeUsage }: { includeUsage: boolean }): AnswerEncoder {
  const tail = includeUsage ? ',"usage":null}\n\n' : '}\n\n'
  const goingOn = `},"logprobs":null,"finish_reason":null}]${tail}`
  let start = toStart(head)
  let delta = toDelta(start)
  let calls = 0

  function setModel(model: string): void {
    start = toStart({ ...head, model })
    delta = toDelta(start)
  }

  return {
    begin: () => `${delta}"role":"assistant","content":null${goingOn}`,
    take(event) {
      switch (event.type) {
        case 'text-delta': {
          const text = JSON.stringify(event.text)
          if (!event.logprobs) return `${delta}"content":${text}${goingOn}`
          const logprobs = JSON.stringify(toChatLogprobs(event.logprobs))
          return `${delta}"content":${text}},"logprobs":${logprobs},"finish_reason":null}]${tail}`
        }
        case 'reasoning-delta': {
          const text = JSON.stringify(event.text)
          return `${delta}"reasoning_content":${text},"reasoning":${text}${goingOn}`
        }
        case 'tool-call':
          return `${delta}"tool_calls":${JSON.stringify([{ index: calls++, ...toWireCall(event) }])}${goingOn}`
        case 'start':
          setModel(event.model)
          return ''
        case 'handover':
          setModel(event.to)
          return toCommentFrame(event)
        case 'warning':
          return toCommentFrame(event)
        case 'status':
          return ''
        default:
          return event satisfies never
      }
    },
    finish(reason, end) {
      const finish = `${delta}},"logprobs":null,"finish_reason":"${toFinishReason(reason, calls > 0)}"}]${tail}`
      const usage = includeUsage ? toUsage(end.usage) : undefined
      return finish + (usage ? `${start}],"usage":${JSON.stringify(usage)}}\n\n` : '') + doneFrame
    },
    fail: toErrorFrame,
  }
}

function toStart({ id, created, model }: Head): string {
  return `data: {"id":${JSON.stringify(id)},"object":"chat.completion.chunk","created":${created},"model":${JSON.stringify(model)},"choices":[`
}

function toDelta(start: string): string {
  return `${start}{"index":0,"delta":{`
}
