import {
  type AnyBatch,
  accuracy,
  batches,
  checkOptions,
  collate,
  crossEntropy,
  type Field,
  field,
  type Runtime,
  type StateDict,
} from "../../index.ts";
import { lengthsToPadTo, type TaskRow } from "../columns.ts";
import { inBatches, type Numbered, numbered } from "../rows.ts";
import { Task, type TaskBatches, type TaskParts } from "../task.ts";
import type { Validation } from "../task-fit.ts";
import { textOf, unitsOf } from "../text-units.ts";
import { type Found, Search, type SearchOptions, type SearchSettings, searchNames, searchSettings } from "./search.ts";
import type { TargetText } from "./target-text.ts";
import { drawnTruth, shareAt, type TeacherForcing } from "./teacher-forcing.ts";
import { type TextScores, textScores } from "./text-scores.ts";
import type { WriterModel } from "./writer-model.ts";

/** A text that a model wrote. */
export interface Written {
  readonly text: string;
  /** The text's words, characters or letters. */
  readonly targetUnits: readonly string[];
  /** The natural logarithm of the probability that the model gives the text, its end included. */
  readonly logProbability: number;
}

/** How good the texts are that a model writes. */
export interface WriterReport extends TextScores {
  /** Mean cross-entropy of the right units in nats, each after the right ones before it. */
  readonly loss: number;
}

/** What a row is read as: what fields of the source read, and how long it is. */
export interface SourceRow {
  readonly steps: number;
}

/** How texts are learned, unless the options say otherwise: two validations in a row that are no better halve the learning rate. */
export const learnedTexts = {
  optimizer: { name: "adam", lr: 3e-3 },
  schedule: { name: "plateau", factor: 0.5, patience: 1 },
} as const;
export const epochsOfTexts = 30;

/** Tasks whose model reads something and writes a text: what they share. */
export abstract class TextWriter<Source extends SourceRow, M extends WriterModel> extends Task<TaskRow, M> {
  protected readonly metrics = { accuracy: accuracy() };
  protected readonly target: TargetText;
  readonly #teacherForcing: TeacherForcing;
  readonly #search: Search;

  protected constructor(
    runtime: Runtime,
    { model, from }: Omit<TaskParts<M>, "loss">,
    setting: { readonly target: TargetText; readonly teacherForcing: TeacherForcing },
  ) {
    super(runtime, { model, loss: crossEntropy(), from });
    this.target = setting.target;
    this.#teacherForcing = setting.teacherForcing;
    this.#search = new Search(runtime, model.decoder, setting.target.vocabulary);
  }

  /** @throws DataError naming the row */
  protected abstract sourceOf(row: Numbered<TaskRow>): Source;
  /** The encoder's inputs. */
  protected abstract readonly sourceFields: Readonly<Record<string, Field<Source, Int32Array | Float32Array>>>;

  protected monitor({ loss }: Validation): number {
    return loss;
  }

  protected batches(rows: readonly Numbered<TaskRow>[], batch: number, seed: number | undefined): TaskBatches {
    const examples = rows.map((row) => ({ ...this.sourceOf(row), ...this.target.encode(row) }));
    type Example = (typeof examples)[number];
    const { size } = this.target.vocabulary;
    const all = batches(examples, {
      x: {
        ...this.sourceFields,
        before: field.tokens(({ before }: Example) => before, size, { axis: "target" }),
      },
      target: field.labels(({ after }: Example) => after, size, { axis: "target" }),
      batch,
      padTo: lengthsToPadTo,
      bucketByLength: true,
      ...(seed !== undefined && { shuffle: true, seed }),
    });
    if (seed === undefined) return all;
    const { length } = all;
    const shareOf = (step: number) => shareAt(this.#teacherForcing, step);
    return {
      length,
      *epoch(epoch: number): Generator<AnyBatch> {
        let step = epoch * length;
        for (const { x, target } of all.epoch(epoch)) {
          const share = shareOf(step);
          const truth = share < 1 ? { isTrue: drawnTruth(x.before!, share, seed, step) } : {};
          yield { x: { ...x, ...truth }, target };
          step++;
        }
      },
    };
  }

  /** Searches for the texts of sources; for each what was found, best first. */
  protected find(sources: readonly Source[], settings: SearchSettings): Promise<Found[][]> {
    return inBatches(
      sources,
      ({ steps }) => steps,
      async (some) => {
        const x = collate(some, this.sourceFields, { padTo: lengthsToPadTo }) as StateDict;
        const encoded: StateDict = await this.runtime.predict(this.model.encoder, x);
        return this.#search.run({ ...encoded, ...(x.lengths && { lengths: x.lengths }) }, some.length, settings);
      },
    );
  }

  protected written({ tokens, logProbability }: Found): Written {
    const targetUnits = this.target.unitsOf(tokens);
    return { text: textOf(targetUnits, this.target.unit), targetUnits, logProbability };
  }

  protected get longest(): number {
    return 2 * this.target.longest + 1;
  }

  /**
   * Writes the text of each row, and compares it with the row's own.
   * @throws OptionError; DataError as `fit`
   */
  async evaluate(rows: readonly TaskRow[], options: Omit<SearchOptions, "nBest"> = {}): Promise<WriterReport> {
    const who = `${this.kind}: evaluate`;
    checkOptions(
      who,
      options,
      searchNames.filter((name) => name !== "nBest"),
    );
    const settings = searchSettings(who, options, this.longest);
    const all = numbered(who, rows);
    const references = all.map((row) => this.target.textOf(row));
    const held = this.batches(all, 64, undefined);
    const { loss } = await this.runtime.evaluate(this.model, held.epoch(0));
    const found = await this.find(
      all.map((row) => this.sourceOf(row)),
      settings,
    );
    const texts = found.map(([best]) => this.written(best!).text);
    const unit = this.target.unit === "words" ? "words" : "characters";
    return { ...textScores(texts, references, (text) => unitsOf(text, unit)), loss };
  }

  override dispose(): void {
    this.#search.dispose();
    this.runtime.release(this.model.encoder);
    super.dispose();
  }
}
