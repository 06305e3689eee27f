const longest = 2_000

/** What was left out of a request, for people. Headers are of printable ASCII. */
export function toWarningHeader(warnings: readonly string[]): Record<string, string> {
  if (warnings.length === 0) return {}
  return { 'x-lmapp-warning': toHeaderText(warnings.join(' ; ').slice(0, longest)) }
}

export function toHeaderText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}
