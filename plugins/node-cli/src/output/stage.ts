/** One step between the bytes of a program and the text of an answer. It may keep back what it cannot judge yet. */
export interface Stage {
  /** What of the text so far goes on. */
  push(text: string): string
  /** What it kept back; nothing more comes. */
  end(): string
}

/** One that may end the answer: once `ended`, nothing goes on any more. */
export interface EndingStage extends Stage {
  readonly ended: boolean
}
