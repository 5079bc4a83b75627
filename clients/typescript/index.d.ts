// Made by `make docs` from docs/schema; hash e57fc0a6c4fe0159.
// Made from docs/schema by `make docs`.

export type IceResultDocument = Content | JobPointer | Manifest | NotificationData | JobRecord;
export type JsonValue = unknown;
export type NotificationData = RecordedData | ParkedData;
export type Result = Covers | Summary | MusicSegments | AudioQuality | Files | Unknown;

/**
 * The content of one output file: a pure function of the file's bytes and of what the record says.
 *
 * `in_order` is false for a file whose items were sorted. `empty_count` cues had no text and were dropped.
 * `overlap_count` items begin before an earlier one ends. The start and the end of `reversed_count` items were
 * swapped. `skipped_count` lines or values have no time that can be read. `replaced_count` places of a damaged file
 * are no characters of its encoding; U+FFFD replaces them.
 * `inferred` is true where no page of ICE describes the form of the file. `other` is the whole file then, if it
 * contains more than the items.
 */
export interface Content {
  schema: "ice_result.content/1";
  job_id: string;
  function_name: string;
  number: number;
  uri: string;
  kind: "captions" | "beats" | "chorus";
  size_bytes: number;
  sha256: string;
  encoding: "utf-8" | "utf-16-le" | "utf-16-be" | "utf-32-le" | "utf-32-be" | "gb18030";
  inferred: boolean;
  unit: ("seconds" | "milliseconds") | null;
  in_order: boolean;
  empty_count: number;
  overlap_count: number;
  reversed_count: number;
  skipped_count: number;
  replaced_count: number;
  items: ContentItem[];
  other: JsonValue;
}
/**
 * A cue, a beat or a chorus. A beat has no end. The text is the title of a chorus, or the words of a cue.
 *
 * The words may be within `<i>`, `<b>` and `<u>`; other markup is left out. Secrets in the text are removed.
 */
export interface ContentItem {
  start_seconds: number;
  end_seconds: number | null;
  text: string | null;
}
/**
 * Place of one job in an object store. `record` and `manifest` are keys below the store's prefix.
 *
 * It has no outcome, so it stays the same when a job is written again. Fields of later versions are ignored.
 */
export interface JobPointer {
  schema: "ice_result.job/1";
  job_id: string;
  function_name: string;
  create_time: string | null;
  record: string;
  manifest: string;
}
/**
 * The output files of one job; written last, as the sign that the job is done with.
 *
 * `complete` does not depend on `notes`, which manifests of earlier versions do not have.
 */
export interface Manifest {
  schema: "ice_result.manifest/1";
  job_id: string;
  function_name: string;
  complete: boolean;
  files: ManifestFile[];
  problems: Problem[];
  notes?: Note[];
}
/**
 * Output object of a job. `exists` is null when it was not, or could not be, checked.
 *
 * `media` is null if the format is not known, or if the file was not read. Manifests of earlier versions have no
 * `storage_class` and no `media`.
 */
export interface ManifestFile {
  uri: string | null;
  role: string;
  media_type: string | null;
  media_id: string | null;
  named_by: ("OutputFiles" | "OutputUrls" | "Result")[];
  exists: boolean | null;
  size_bytes: number | null;
  etag: string | null;
  crc64: string | null;
  last_modified: string | null;
  storage_class?: string | null;
  media?: Media | null;
}
/**
 * Facts read from the content of a file. A fact is null if the file does not contain it, or if it was not read.
 *
 * `width` and `height` are in stored pixels, after the rotation that the file declares is applied; the aspect ratio
 * of the pixels is not. `fps` is the average number of frames per second. Codecs have the names of FFmpeg;
 * pictures have none. `has_alpha` is true if the picture has an alpha channel or a transparent colour. `bits` is the
 * number of bits per audio sample; null for codecs without a fixed sample size.
 */
export interface Media {
  container:
    | (
        | "mp4"
        | "mov"
        | "webm"
        | "matroska"
        | "wav"
        | "mp3"
        | "aac"
        | "flac"
        | "ogg"
        | "png"
        | "jpeg"
        | "gif"
        | "webp"
        | "srt"
        | "json"
      )
    | string;
  duration_seconds: number | null;
  width: number | null;
  height: number | null;
  fps: number | null;
  video_codec: string | null;
  has_alpha: boolean | null;
  audio_codec: string | null;
  sample_rate_hz: number | null;
  channels: number | null;
  bits: number | null;
}
/**
 * Reason why a manifest is not complete, in a stable token and a sentence.
 *
 * `rule` is the name of the rule that is not met, and null for a problem that no rule found. Manifests of earlier
 * versions do not have it.
 */
export interface Problem {
  code:
    | (
        | "not_found"
        | "no_such_bucket"
        | "forbidden"
        | "cross_region"
        | "unreachable"
        | "not_checked"
        | "empty"
        | "truncated"
        | "wrong_type"
        | "not_saved"
        | "bucket_unknown"
        | "unmatched_url"
        | "stale"
        | "modified_later"
        | "implausible"
      )
    | string;
  message: string;
  uri: string | null;
  rule?: string | null;
}
/**
 * Something about an output file that does not keep a manifest from being complete, such as a content not read.
 *
 * `rule` is the name of the rule that is not met, and null for a note that no rule found. Manifests of earlier
 * versions do not have it.
 */
export interface Note {
  code:
    | (
        | "not_found"
        | "no_such_bucket"
        | "forbidden"
        | "cross_region"
        | "unreachable"
        | "archived"
        | "not_read"
        | "too_large"
        | "unreadable"
        | "suspicious"
      )
    | string;
  message: string;
  uri: string | null;
  rule?: string | null;
}
/**
 * Data of `ice-result.job.recorded.v1`: a job that is recorded.
 *
 * `left_out` names the fields that are null or empty because the notification would be too large with them.
 */
export interface RecordedData {
  schema: "ice_result.notification/1";
  job_id: string;
  region: string | null;
  function_name: string;
  state: "succeeded" | "failed" | "unknown";
  outcome: "ok" | "job_failed" | "outputs_missing" | "false_success" | "undecodable";
  complete: boolean;
  name: string | null;
  create_time: string | null;
  finish_time: string | null;
  duration_seconds: number | null;
  input: RecordedInput | null;
  user_data: JsonValue;
  counts: Counts;
  best_cover: BestCover | null;
  stored_at: StoredAt;
  problems: Problem[];
  left_out: string[];
}
/**
 * Input of the job, with bucket and key if it is in OSS.
 */
export interface RecordedInput {
  type: string | null;
  media: string | null;
  bucket: string | null;
  key: string | null;
}
/**
 * Counts of a job: its files by the response, those found in OSS, items of the result, warnings and problems.
 *
 * `media` counts the files whose media is known; `notes` counts the notes of the manifest.
 */
export interface Counts {
  files: number;
  files_present: number;
  items: number;
  warnings: number;
  problems: number;
  media?: number;
  notes?: number;
}
/**
 * The cover that ICE ranks first.
 */
export interface BestCover {
  uri: string | null;
  score: number | null;
  time_seconds: number | null;
}
/**
 * Addresses in the first sink: of the record and the manifest, and where the contents of files are.
 *
 * `contents` is null for a job without captions, beats or choruses.
 */
export interface StoredAt {
  record: string;
  manifest: string;
  contents: string | null;
}
/**
 * Data of `ice-result.event.parked.v1` and `ice-result.event.dead.v1`: an event that could not be finished.
 *
 * `parked_at` is the address of its envelope. `sinks` and `targets` are those of the envelope.
 */
export interface ParkedData {
  schema: "ice_result.notification_parked/1";
  job_id: string | null;
  region: string | null;
  reason: string;
  transient: boolean;
  dead: boolean;
  attempts: number;
  error: string;
  sinks: string[];
  targets: string[];
  first_parked: string | null;
  last_parked: string | null;
  parked_at: string;
  left_out: string[];
}
/**
 * Finished job, normalised. A pure function of ICE's response: the same job is always the same bytes.
 */
export interface JobRecord {
  schema: "ice_result.record/1";
  job_id: string;
  region: string | null;
  function_name: string;
  status: string;
  state: "succeeded" | "failed" | "unknown";
  outcome: "ok" | "job_failed" | "outputs_missing" | "false_success" | "undecodable";
  name: string | null;
  template_id: string | null;
  pipeline_id: string | null;
  priority: number | null;
  input: RecordedInput;
  output: RecordedOutput;
  job_params: JsonValue;
  user_data: JsonValue;
  create_time: string | null;
  finish_time: string | null;
  duration_seconds: number | null;
  decode: Decode;
  result: Result;
  file_count: number;
  raw: {
    [k: string]: JsonValue;
  };
}
/**
 * Output of the job as it was asked for; `key` may contain placeholders such as {source}.
 */
export interface RecordedOutput {
  type: string | null;
  biz: string | null;
  media: string | null;
  output_url: string | null;
  bucket: string | null;
  key: string | null;
}
/**
 * Degree to which Result could be read.
 */
export interface Decode {
  status: "decoded" | "empty" | "partial" | "undecodable";
  warnings: DecodeWarning[];
}
/**
 * Something in a Result that was not as documented. `path` is a JSON path from `$`, `code` a stable token.
 */
export interface DecodeWarning {
  path: string;
  code:
    ("missing" | "unreadable" | "unexpected_key" | "unexpected_data" | "not_json" | "not_saved" | "unwrapped") | string;
  message: string;
}
/**
 * Cover.
 */
export interface Covers {
  kind: "covers";
  covers: Cover[];
}
/**
 * Cover image. `rank` counts from 1 in ICE's own order, best first.
 */
export interface Cover {
  rank: number;
  score: number | null;
  time_seconds: number | null;
  path: string | null;
  uri: string | null;
}
/**
 * VideoClip.
 */
export interface Summary {
  kind: "summary";
  segments: SummarySegment[];
}
/**
 * A part of the input that went into the summary video.
 */
export interface SummarySegment {
  start_seconds: number | null;
  end_seconds: number | null;
  duration_seconds: number | null;
}
/**
 * MusicSegmentDetect.
 */
export interface MusicSegments {
  kind: "music_segments";
  segments: MusicSegment[];
}
/**
 * A chorus; `title` is as ICE sent it, in whichever language.
 */
export interface MusicSegment {
  start_seconds: number | null;
  end_seconds: number | null;
  duration_seconds: number | null;
  title: string | null;
}
/**
 * AudioQualityAssessment.
 */
export interface AudioQuality {
  kind: "audio_quality";
  channels: Channel[];
}
/**
 * The quality of one audio channel. Scores mean nothing unless `valid`; `tag` then says why.
 */
export interface Channel {
  channel: number | null;
  tag: string | null;
  valid: boolean;
  assessed_at: string | null;
  duration_seconds: number | null;
  mos: Rating;
  noisiness: Rating;
  discontinuity: Rating;
  coloration: Rating;
  loudness: Loudness;
  speech_ratio_percent: number | null;
  bad_mute_percent: number | null;
  double_talk_percent: number | null;
  saturated_percent: number | null;
}
/**
 * A quality from 0 (worst) to 5: over the whole channel, as ICE's grade, and at its worst moment.
 */
export interface Rating {
  score: number | null;
  grade: string | null;
  worst: number | null;
}
/**
 * Loudness from 0 to 5, as ICE's grade, and in dB (-90 to 0).
 */
export interface Loudness {
  score: number | null;
  grade: string | null;
  db: number | null;
}
/**
 * The functions whose outcome is their output files; `extra` is what their Result held all the same.
 */
export interface Files {
  kind: "files";
  extra: {
    [k: string]: JsonValue;
  };
}
/**
 * A function this version does not know: its Result as JSON, or as text when it is not JSON.
 */
export interface Unknown {
  kind: "unknown";
  data: JsonValue;
}
