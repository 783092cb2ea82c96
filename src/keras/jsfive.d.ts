/** What is used of jsfive, which has no types of its own. */
declare module "jsfive" {
  /** The messages of an object's header. */
  export interface DataObjects {
    readonly chunks: readonly number[] | null;
    find_msg_type(type: number): ReadonlyMap<string, number>[];
    /** @param offset where the attribute's message begins */
    unpack_attribute(offset: number): [name: string, value: unknown];
  }
  export class Group {
    readonly keys: string[];
    readonly _dataobjects: DataObjects;
    get(name: string): Group | Dataset | null;
  }
  export class Dataset {
    readonly dtype: string | readonly unknown[];
    readonly value: readonly (number | bigint | undefined)[];
    readonly _dataobjects: DataObjects;
  }
  export class File extends Group {
    constructor(buffer: ArrayBuffer, name: string);
  }
}
