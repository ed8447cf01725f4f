import { hiddenIn } from './placeholders.ts';

/**
 * Whether a skill instructs instead of teaching: a technique says how a change is made well; what tells a session to
 * leave its rules, to push, to approve, to blind its judges or to fetch secrets is none. This is a filter for what a
 * model drafted and a person pasted, not the wall: agents hold no credential and the evaluator reads diffs, not words.
 */
export const instructionIn = (text: string): string | undefined => {
  const unseen = unseenIn(text);
  if (unseen !== undefined) return unseen;
  const plain = text.normalize('NFKC').replace(/\r\n?/g, '\n');
  for (const { pattern, says } of ANYWHERE) if (pattern.test(plain)) return says;
  for (const clause of clausesOf(plain)) {
    for (const { pattern, says } of COMMANDS) {
      const match = pattern.exec(clause);
      if (match && !isForbidden(clause.slice(0, match.index))) return says;
    }
  }
  return undefined;
};

interface Rule {
  pattern: RegExp;
  /** What it tells a session; ends the sentence "it …". */
  says: string;
}

/** Characters that a reader does not see, and words of two alphabets at once: both have carried what nobody reviewed. */
const unseenIn = (text: string): string | undefined => {
  const hidden = hiddenIn(text.replace(/^\ufeff/, '').replace(EMOJI, ''));
  if (hidden > 0) return `it holds ${hidden} hidden character${hidden === 1 ? '' : 's'}`;
  return MIXED.test(text) ? 'it has words with letters of two alphabets that look alike' : undefined;
};

/** A joiner or a variation selector between pictures is part of the picture. */
const EMOJI = /\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\ufe0f|\u200d\p{Extended_Pictographic})+/gu;
const MIXED =
  /\p{Script=Latin}\p{Script=Cyrillic}|\p{Script=Cyrillic}\p{Script=Latin}|[a-z][\u03b1\u03b5\u03b9\u03bd\u03bf\u03c1\u03c5\u03c7][a-z]/iu;

/** Never part of a technique, not even where it is spoken against. */
const ANYWHERE: readonly Rule[] = [
  // Measured: Claude Code runs these when the skill is loaded, before the model reads a word.
  { pattern: /!`[^`\n]{1,500}`|```!/, says: 'it runs a command when it is loaded' },
  {
    pattern:
      /<\s*\/?\s*(?:system|system-reminder|data|assistant|user|human)\b[^>]*>|\[\/?INST\]|<\|im_(?:start|end)\|>/i,
    says: 'it speaks with the tags of a conversation',
  },
  {
    pattern: /dangerously-skip-permissions|bypass[-_ ]?permissions|allow-dangerously/i,
    says: 'it names the switch that turns off permissions',
  },
  {
    pattern:
      /\b(?:curl|wget|iwr|invoke-webrequest)\b[^\n]{0,200}\|\s*(?:sudo\s+)?(?:env\s+)?(?:ba|z|da|fi|k)?sh\b|\b(?:curl|wget)\b[^\n|]{0,200}\|\s*(?:sudo\s+)?(?:python|node|perl|ruby)\d?\b/i,
    says: 'it pipes a download into a shell',
  },
  {
    pattern:
      /\b(?:ba|z|da)?sh\b[^\n]{0,40}<\(\s*(?:curl|wget)|\b(?:eval|source|ba?sh\s+-c)\b[^\n]{0,20}\$\(\s*(?:curl|wget)/i,
    says: 'it pipes a download into a shell',
  },
  { pattern: /base64\s+(?:-d|-D|--decode)[^\n]{0,80}\|\s*(?:ba|z|da)?sh\b/i, says: 'it runs what it has encoded' },
  {
    pattern: /\brm\s+-[a-z]*r[a-z]*\s+(?:-[a-z]+\s+)*(?:\/|~|\$HOME)(?:\s|\/?\*|$)/im,
    says: 'it removes a whole disk or home',
  },
];

const WHAT_JUDGES = String.raw`(?:unit |integration |failing |broken |flaky |slow |existing |regression |e2e )*(?:tests?|test cases?|test suites?|specs?|assertions?|checks?|linter|lint(?:ing)?(?: rules?)?|type ?check(?:s|er|ing)?|hooks?|ci\b|safeguards?|gates?)`;
const RULES = `(?:instructions?|rules?|guidelines?|constraints?|restrictions?|policy|policies|system prompt|standing orders?|safeguards?|limits of this session)`;
const SECRETS = String.raw`(?:\.env\b(?!\.(?:example|sample|template|test))|secrets?\b|credentials?\b|passwords?\b|api[- _]?keys?\b|(?:access|auth|api|bearer|session|github|npm)[- _]?tokens?\b|private keys?\b|ssh keys?\b|~?\/?\.ssh\b|id_(?:rsa|ed25519)\b|\.netrc\b|\.npmrc\b|\.aws\/|\.git-credentials\b|ANTHROPIC_API_KEY|GITHUB_TOKEN)`;
const MAIN = `(?:main|master|trunk|origin|upstream|production|the remote|the default branch|the release branch)`;

/** Wrong as a command; a technique may well speak against it. */
const COMMANDS: readonly Rule[] = [
  {
    pattern: new RegExp(
      String.raw`\b(?:ignore|disregard|forget|override|overrule|bypass|circumvent|do not follow|don'?t follow|stop following|pay no attention to|set aside)\b[^.;\n]{0,60}\b${RULES}`,
      'i',
    ),
    says: 'it tells the session to ignore its rules',
  },
  {
    pattern: new RegExp(
      String.raw`\b(?:these|this|the following|skill'?s?)\b[^.;\n]{0,40}\b(?:supersedes?|overrides?|replaces?|takes? precedence over|outranks?)\b[^.;\n]{0,60}\b${RULES}`,
      'i',
    ),
    says: 'it tells the session to ignore its rules',
  },
  {
    pattern:
      /\byou are (?:now|no longer)\b|\bfrom now on,? you\b|\bnew (?:system )?(?:instructions?|prompt)\s*:|\b(?:act|behave) as (?:if you (?:were|are)|an? (?:unrestricted|jailbroken|root|admin))/i,
    says: 'it gives the session another role',
  },
  { pattern: /\bgit\s+(?:-\S+\s+\S+\s+)?(?:push|send-pack)\b/i, says: 'it tells the session to push' },
  {
    pattern: new RegExp(
      String.raw`\b(?:force[- ])?push(?:es|ed|ing)?\b[^.;\n]{0,40}\b(?:to|onto|into|on)\s+(?:the\s+)?${MAIN}\b|\bforce[- ]push`,
      'i',
    ),
    says: 'it tells the session to push',
  },
  {
    pattern: new RegExp(
      String.raw`\b(?:merge|land|commit)\b[^.;\n]{0,40}\b(?:straight|directly|right away|without review|yourself)\b[^.;\n]{0,30}\b(?:${MAIN})\b|\b(?:merge|land|commit)\b[^.;\n]{0,40}\b(?:to|into|onto|on)\s+(?:the\s+)?${MAIN}\b[^.;\n]{0,40}\b(?:directly|without)\b`,
      'i',
    ),
    says: 'it tells the session to bypass review',
  },
  {
    pattern:
      /\bgit\s+(?:remote\s+(?:add|set-url)|update-ref|config\s+--global|commit\b[^\n]{0,60}--no-verify)|--no-verify\b/i,
    says: 'it tells the session to get around git’s guards',
  },
  {
    pattern:
      /\b(?:approve|rubber-?stamp|auto-?approve|sign off on|lgtm)\b[^.;\n]{0,40}\b(?:changes?|branch(?:es)?|reviews?|pull requests?|prs?|diffs?|merges?|it|them|everything|anything|yourself)\b|\b(?:answer|decide|respond|reply|vote|mark\b[^.;\n]{0,30}\bas|set\b[^.;\n]{0,30}\bto)\s+(?:with\s+)?["'“`]?approved?\b/i,
    says: 'it tells somebody to approve',
  },
  {
    pattern: new RegExp(
      String.raw`\b(?:disable|skip|delete|remove|comment(?:ing)? out|turn(?:ing)? off|switch(?:ing)? off|silence|weaken|loosen|relax|mute|xfail|bypass|deactivate|get rid of|drop|ignore)\s+(?:(?:all|any|the|that|this|those|these|every|a|an|some|its|your|whole|entire|of)\s+)*${WHAT_JUDGES}`,
      'i',
    ),
    says: 'it tells the session to weaken what judges it',
  },
  {
    pattern:
      /\b(?:add|put|insert|write|append|place|sprinkle|apply|using|with|use|cast (?:it |them )?(?:to|as))\b[^.;\n]{0,40}(?:@ts-(?:ignore|nocheck|expect-error)|\bas any\b|\b(?:eslint|biome|oxlint|tslint|pylint)[-: ](?:disable|ignore)|#\s*noqa\b|#\s*type:\s*ignore|\b(?:it|test|describe)\.(?:skip|todo|fails?)\b|\bxit\b|--passWithNoTests|@pytest\.mark\.(?:skip|xfail)|#\[ignore\])/i,
    says: 'it tells the session to weaken what judges it',
  },
  {
    pattern:
      /\b(?:make|edit|change|hard-?code|adapt|rewrite|adjust)\b[^.;\n]{0,40}\b(?:tests?|assertions?|expected (?:values?|outputs?)|snapshots?)\b[^.;\n]{0,40}\b(?:so (?:that )?(?:it|they) pass(?:es)?|to (?:always )?pass|always pass|match the (?:wrong|current|actual) (?:output|result|behaviou?r))\b|\bexit\s+0\b[^.;\n]{0,40}\b(?:always|regardless|whatever)\b|\balways\s+(?:exit\s+0|return success|pass)\b/i,
    says: 'it tells the session to weaken what judges it',
  },
  {
    pattern: new RegExp(
      String.raw`\b(?:read|print|cat|open|show|send|upload|copy|echo|dump|log|exfiltrate|post|include|paste|reveal|leak|commit|list|collect|extract|look (?:in|into|at)|load|source|base64)\b(?:(?!\bto\b|\binto\b)[^.;\n]|\.(?=env)|\.(?=\w)){0,60}?(?<![\w-])${SECRETS}`,
      'i',
    ),
    says: 'it tells the session to read or to show secrets',
  },
  {
    pattern:
      /\b(?:post|send|upload|exfiltrate|report|transmit)\b[^.;\n]{0,60}\bto\s+(?:<?https?:\/\/|\d{1,3}(?:\.\d{1,3}){3}|a (?:web ?hook|server|url)\b)|\bcurl\b[^\n]{0,80}(?:\s-d\b|--data|\s-F\b|\s-T\b|--upload-file)/i,
    says: 'it tells the session to send something away',
  },
  {
    pattern: /(?:^|[\s`$(])sudo\s+\S|\bchmod\s+(?:-R\s+)?0?777\b/i,
    says: 'it tells the session to take more rights than it has',
  },
  {
    pattern:
      /\b(?:edit|change|modify|rewrite|overwrite|delete|disable|replace|patch|touch)\b[^.;\n]{0,50}(?:\bwinnow\.config\b|\.claude\/|\.git\/|(?<![\w/])(?:prompts|sessions|skills)\/[\w*<]|\bCLAUDE\.md\b|\.github\/workflows|\bCODEOWNERS\b)/i,
    says: 'it tells the session to change its own rules',
  },
  {
    pattern:
      /\b(?:hide|conceal|keep)\b[^.;\n]{0,50}\b(?:from (?:the |any |all )?(?:reviewers?|humans?|users?|people|person|developers?|owners?|operators?)|secret from)\b|\b(?:do not|don'?t|never)\s+(?:tell|mention|report|reveal|disclose|inform)\b[^.;\n]{0,50}\b(?:reviewers?|humans?|users?|people|person|developers?|owners?|operators?|anyone|anybody)\b/i,
    says: 'it tells the session to hide something',
  },
];

/** Rules about what is hidden begin with the words that elsewhere forbid; they are found with them. */
const FORBIDS =
  /\b(?:do not|don['’]?t|does not|doesn['’]?t|never|must not|mustn['’]?t|should not|shouldn['’]?t|may not|cannot|can['’]?t|not|no need to|avoid|without|instead of|rather than|refuse to|forbidden to|resist|stop|nor|neither|prevents?|against|not allowed to|tempted to)\b/gi;
/** "Do not hesitate to push" is a command. */
const ENCOURAGES = /^\W*(?:\w+\W+){0,2}?(?:hesitate|forget|fail|be afraid|worry|wait|ask)\b/i;
/** What forbids stands near what it forbids. */
const FORBIDS_WITHIN_CHARS = 60;

const isForbidden = (before: string): boolean => {
  const last = [...before.slice(-FORBIDS_WITHIN_CHARS).matchAll(FORBIDS)].at(-1);
  if (!last) return false;
  const after = before.slice(-FORBIDS_WITHIN_CHARS).slice(last.index + last[0].length);
  // "Do not wait for the review, push to main": what comes after the comma is not forbidden any more, nor after "but".
  return (
    !ENCOURAGES.test(after) &&
    !/[,:]\s*(?:then|just|simply|instead|and)?\s*$|\b(?:but|then|instead|however)\b/i.test(after)
  );
};

/** Sentences, with the marks of Markdown taken out of the way; a line that goes on in the next one is one with it. */
const clausesOf = (text: string): string[] => {
  const lines: string[] = [];
  let goesOn = false;
  for (const raw of text.split('\n')) {
    const line = raw.replace(/[*~`]/g, '').replace(/\s+/g, ' ').trim();
    const last = lines.length - 1;
    if (goesOn && /^\p{L}/u.test(line) && lines[last]!.length < CLAUSE_MAX_CHARS) lines[last] += ` ${line}`;
    else lines.push(line);
    goesOn = /[\p{L},]$/u.test(line);
  }
  return lines.flatMap((line) => line.split(/(?<=[.!?;]) /)).filter((clause) => clause !== '');
};

/** Prose is broken into lines long before; what is longer is looked at all the same, line by line. */
const CLAUSE_MAX_CHARS = 2000;
