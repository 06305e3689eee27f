import type { ApiMessage } from 'lmapp-client'
import { toMessage } from '../../interactive/unsaved-turns.ts'

/** A question and its answer, as they are stored. */
export function turn(question: string, answer: string, more: Partial<ApiMessage> = {}): ApiMessage[] {
  const said = answer === '' ? [] : [{ type: 'text' as const, text: answer }]
  return [toMessage('user', [{ type: 'text', text: question }]), { ...toMessage('assistant', said), ...more }]
}

/** As many words as that, each of so many letters. */
export function words(count: number, letters = 4): string {
  return Array.from({ length: count }, (_, index) => String.fromCharCode(97 + (index % 26)).repeat(letters)).join(' ')
}
