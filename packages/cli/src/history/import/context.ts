import type { Notices } from './notices.ts'

/** What the reader of one kind of file is given along with it. */
export interface ReadContext {
  notices: Notices
  /** When the file was written, ISO 8601: the time of what has none of its own. */
  modified: string
}

/** How a conversation is named in notices. */
export function describeConversation(number: number, title: string | undefined): string {
  const short = title?.replace(/\s+/g, ' ').trim().slice(0, 60)
  return short ? `conversation ${number} "${short}"` : `conversation ${number}`
}
