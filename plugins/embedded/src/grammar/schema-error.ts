/** Why no grammar can be made of a schema. */
export class SchemaError extends Error {
  /** As a pointer into the schema. */
  readonly path: string

  constructor(path: string, reason: string) {
    super(reason)
    this.path = path.slice(0, 200)
  }
}
