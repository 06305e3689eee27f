const longest = 2_000

/** What was left out of a request, as answers tell it that no run stands behind. Headers are of printable ASCII. */
export function toWarningHeader(ignored: readonly string[]): Record<string, string> {
  if (ignored.length === 0) return {}
  return {
    'x-lmapp-warning': ignored
      .join(' ; ')
      .slice(0, longest)
      .replace(/[^\x20-\x7e]/g, '?'),
  }
}
