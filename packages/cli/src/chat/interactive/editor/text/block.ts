const fence = '"""'

/** Whether the message began with `"""` and did not end yet: then Enter is another line. */
export function isOpenBlock(text: string): boolean {
  const inner = text.trimStart()
  if (!inner.startsWith(fence)) return false
  const end = inner.trimEnd()
  return end.length < 2 * fence.length || !end.endsWith(fence)
}

/** The message without the marks around it. */
export function unwrapBlock(text: string): string {
  const whole = text.trim()
  if (!whole.startsWith(fence) || isOpenBlock(whole)) return text
  return whole.slice(fence.length, -fence.length).replace(/^\n|\n$/g, '')
}
