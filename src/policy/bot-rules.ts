import type { BotAction } from '../model/bot.ts';

/**
 * What developers type on a phone, in English and German, for each action; see pattern.ts for how a line reads. Words
 * that change nothing (please, now, the, mal, die) are gone before, and accents with them. The first line that covers a
 * sentence is taken, so what is particular stands before what is general.
 */
export interface Saying {
  action: BotAction;
  /** Arguments that the words stand for. */
  args?: Readonly<Record<string, string>>;
  ways: readonly string[];
}

const ways = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

export const SAYINGS: readonly Saying[] = [
  {
    action: 'approve',
    ways: ways(`
      [yes|yep|ja] approve|merge|land|ship|accept <open>
      [ja] genehmige|genehmigen|merge|approve <open>
      [ja] <open> genehmigen|freigeben|mergen|approven|annehmen|landen
      [ja] gib|gebe <open> frei
      [ja] nimm <open> an
    `),
  },
  {
    action: 'reject',
    ways: ways(`
      [no|nein] reject|decline|discard <open> because|since|as|weil|da <rest>
      [no|nein] reject|decline|discard <open>
      [nein] lehn|lehne|weise|weis <open> ab|zuruck weil|da <rest>
      [nein] lehn|lehne|weise|weis <open> ab|zuruck
      [nein] <open> ablehnen|verwerfen|zuruckweisen weil|da <rest>
      [nein] <open> ablehnen|verwerfen|zuruckweisen
      [nein] verwirf|verwerfe <open> weil|da <rest>
      [nein] verwirf|verwerfe <open>
    `),
  },
  {
    action: 'cancel',
    ways: ways(`
      cancel|drop|remove|delete [task|job|todo] <task>
      storniere|streiche|losche|entferne|verwirf [aufgabe|task] <task>
      [aufgabe|task] <task> stornieren|streichen|loschen|entfernen|abbrechen
      brich|breche [aufgabe|task] <task> ab
    `),
  },
  {
    action: 'undo',
    ways: ways(`
      undo|forget|unlearn [bot] [skill] <skill>
      remove|delete skill <skill>
      vergiss|vergesse [skill] <skill>
      losche|entferne skill <skill>
    `),
  },
  {
    action: 'pause',
    ways: ways(`
      pause|stop|halt|suspend|freeze|hold [session] <session> because|since|as|weil|da <rest>
      pause|stop|halt|suspend|freeze|hold [session] <session>
      put [session] <session> on hold
      pausiere|stoppe|stopp|halte|halt|stop [session] <session> [an] weil|da <rest>
      pausiere|stoppe|stopp|halte|halt|stop [session] <session> [an]
      [session] <session> pausieren|stoppen|anhalten|stopp|stop|pause
      pause|stop|halt|suspend|freeze|hold everything|everybody|everyone|all|factory|crew because|since|as|weil|da <rest>
      pause|stop|halt|suspend|freeze|hold everything|everybody|everyone|all|factory|crew
      pause|stop|halt|suspend|freeze all|whole|entire sessions|factory|crew|work
      pause|stop|halt it|them all
      stop all of them
      pausiere|stoppe|stopp|halte|halt|stop alles|alle|fabrik [an]
      pausiere|stoppe|stopp|halte|halt|stop alle|ganze sessions|fabrik [an]
      alles|alle|fabrik pausieren|stoppen|anhalten|stopp|stop|halt
      alle sessions pausieren|stoppen|anhalten
      emergency stop
      notaus|notstopp
      stop|stopp|halt|pause
    `),
  },
  {
    action: 'resume',
    ways: ways(`
      resume|continue|unpause|unpark|unfreeze [session] <session> [again]
      start [session] <session> again
      let <session> go on
      let <session> continue|work|run [again|on]
      go on|resume|continue with <session>
      <session> can|may|should continue|resume|work [again]
      <session> can|may|should go on
      setz|setze <session> fort
      <session> fortsetzen|weitermachen|weiterlaufen|fortfuhren|weiter
      lass <session> weitermachen|weiterlaufen|weiterarbeiten|weiter
      mach|mache mit <session> weiter
      <session> soll|darf|kann weitermachen|weiterarbeiten|weiterlaufen
      resume|continue|unpause|unfreeze|restart everything|everybody|everyone|all|factory|crew|work [again]
      resume|continue|unpause all sessions
      start everything|everybody|everyone|all|work again
      let everybody|everyone|them|all continue|work [again|on]
      let everybody|everyone|them|all go on
      resume|unpause|weitermachen|fortsetzen
      back to work
      mach|macht|mache weiter
      alles|alle weiter|weitermachen|fortsetzen
      weiter geht es
      es kann|darf weitergehen
    `),
  },
  {
    action: 'standup',
    args: { short: 'short' },
    ways: ways(`
      [hold|have|do|run|start|make|mach|mache] short|quick|brief|kurzes|schnelles standup|stand-up
    `),
  },
  {
    action: 'standup',
    ways: ways(`
      standup|stand-up
      hold|have|do|run|start|trigger|call|begin [new] standup|stand-up [meeting]
      mach|mache|starte|halte|veranstalte standup|stand-up [ab]
      standup|stand-up machen|starten|abhalten|halten
    `),
  },
  {
    action: 'doctor',
    args: { rules: 'rules' },
    ways: ways(`
      [run|call|ask|start] doctor rules [only]
      [run|call|ask|start] doctor without model|models|runs
      [starte|ruf|rufe] doktor|arzt ohne modell
    `),
  },
  {
    action: 'doctor',
    ways: ways(`
      doctor|doktor|arzt
      run|call|ask|start|send|trigger doctor
      let doctor look [in]
      let doctor look at sessions|them|everybody|everyone|crew
      let doctor have look
      health check
      healthcheck|checkup
      ruf|rufe|starte|hol|hole|schick doktor|arzt
      lass doktor|arzt schauen|nachsehen|nachschauen|ran
      doktor|arzt rufen|starten|holen
    `),
  },
  {
    action: 'review',
    ways: ways(`
      review <open>
      <open> reviewen
      pruf|prufe|reviewe <open>
      let cto|reviewer look at <open>
      review [everything|all|queue|branches]
      review all branches
      review what waits
      start|run|do|begin|trigger|launch [new] review|reviews|reviewer
      let cto|reviewer look|work|run
      let cto|reviewer look at queue|it|them
      pruf|prufe|reviewe alles|alle|queue|warteschlange
      starte|mach|mache review
      review starten|machen
      lass reviewer schauen|ran|draufschauen
    `),
  },
  {
    action: 'diff',
    ways: ways(`
      [show] [me] diff|patch|changes [of|for|from|in] <ref>
      <ref> diff|patch
      what does|did <ref> change|do
      what changed|changes [in|with] <ref>
      what is changed in <ref>
      [zeig|zeige] [mir] diff|patch|anderungen [von|in|fur] <ref>
      was andert|macht <ref>
      was hat <ref> geandert
    `),
  },
  {
    action: 'show',
    ways: ways(`
      <ref>
      show|open|view|see|display [me] <ref>
      what is|about <ref>
      what is in|with <ref>
      details|info|figures of|for|about|on <ref>
      tell [me] about <ref>
      zeig|zeige [mir] <ref>
      was ist mit|in <ref>
      was ist <ref>
    `),
  },
  {
    action: 'log',
    ways: ways(`
      [show|zeig|zeige] [me|mir] log|logs|journal|protokoll|verlauf|history
      log|logs [of|for|from|von] <session>
      <session> log|logs|protokoll
      [show|zeig|zeige] [me|mir] log|logs|protokoll of|for|from|von <session>
      log <count>
      log <session> <count>
      [show] [me] last|latest|letzte|letzten <count> lines|entries|events|things|zeilen|eintrage|ereignisse
      [show] [me] last|latest|letzte|letzten <count> lines|entries|events|zeilen|eintrage of|from|von <session>
      last|latest|recent|letzte|neueste events|entries|ereignisse|meldungen|eintrage
      what happened|happens
      what happened last|recently|lately|today|tonight|overnight|yesterday|meanwhile
      what happened last night
      what happened over night
      what happened since yesterday
      what happened while i was away|gone|asleep|out
      what has happened [so] [far]
      what has happened today|recently|lately
      what did i|we miss
      was ist [alles] passiert|geschehen
      was ist heute|gestern|zuletzt passiert|geschehen
      was ist [in] letzte|letzter|letzten nacht passiert|geschehen
      was ist uber|heute nacht passiert|geschehen
      was war los
      was war heute|gestern los
      was habe|hab ich verpasst
    `),
  },
  {
    action: 'cost',
    ways: ways(`
      cost|costs|budget|spending|expenses|kosten|ausgaben
      cost|costs|spending|budget|kosten|ausgaben today|heute|yet|bisher
      cost|costs so far
      what did|does|has it|this|that|everything|all|today cost [us] [today|yet]
      what did|does it|this|that|everything cost so far
      what does|did today cost
      what did|have we|you|they spend|spent [today|yet]
      what have we|you|they spent so far
      how much did|have|has we|you|they|it|this|that|everything spend|spent|cost [today|yet]
      how much have|has we|you|they|it spent|cost so far
      how much does|did it|this|that|everything cost [us|me] [today]
      how much [money] did|have we|you spend|spent [today|yet]
      how much [money|budget] is left|spent|gone|used [today]
      how much [money|budget] was spent [today]
      how much budget is there [left]
      how expensive was|is it|this|that|today [today]
      what is|are cost|costs|budget|expenses|spending [today]
      budget left
      was hat [es|alles] gekostet
      was hat [es|alles] heute|bisher gekostet
      was kostet es|alles [heute|bisher]
      wie viel|wieviel hat es [heute|bisher] gekostet
      wieviel hat es [heute|bisher] gekostet
      wie viel [geld|budget] haben wir [heute] ausgegeben|verbraucht
      wieviel [geld|budget] haben wir [heute] ausgegeben|verbraucht
      wie viel [geld|budget] ist|wurde [heute] ubrig|weg|verbraucht|ausgegeben
      wieviel [geld|budget] ist|wurde [heute] ubrig|weg|verbraucht|ausgegeben
      wie viel [geld|budget] ist noch ubrig|da
      wieviel [geld|budget] ist noch ubrig|da
      wie teuer war|ist es|heute [heute]
      wie hoch sind kosten [heute]
    `),
  },
  {
    action: 'tasks',
    ways: ways(`
      tasks|todos|backlog|tasklist|aufgaben|aufgabenliste
      task|todo list
      [list|show] [me] [all|open|queued] tasks|todos
      list|show [me] backlog
      what|which tasks are there|open|queued|waiting|left|planned
      what|which tasks do we have
      what is queued|planned
      what is to do
      what is left to do
      what is on|in todo|task list
      what is in backlog
      what is on list
      what work is|waits queued|left|waiting
      how many tasks are|wait queued|open|left|waiting
      how many tasks are there
      are there [any|open] tasks
      any [open|queued] tasks
      offene|alle aufgaben|tasks
      [zeig|zeige|liste] [mir] [offene|alle] aufgaben
      welche aufgaben|tasks gibt es
      welche aufgaben|tasks sind offen
      welche aufgaben|tasks haben wir
      welche aufgaben|tasks stehen an
      was ist zu tun
      was ist noch zu tun
      wie viele aufgaben sind [noch] offen
      gibt es [noch] [offene] aufgaben
    `),
  },
  {
    action: 'queue',
    ways: ways(`
      queue|branches|warteschlange
      review|merge queue
      [show|list|zeig|zeige] [me|mir] [review|merge] queue|warteschlange
      [show|list|zeig|zeige] [me|mir] [open|waiting|pending|offene|wartende] branches|reviews
      what is|are waiting|pending|open
      what is|are waiting for me|us|review|approval
      what is|are waiting for my review|approval
      what waits [for] [me|review|approval]
      what is in queue|review
      what is in review queue
      what is up for review
      what is ready to|for review|merge|land|approval|merging|landing
      what needs|wants review|approval|me|reviewing
      what needs my review|approval|attention|decision
      what do i have|need to review|approve|decide|do
      what can|should i review|approve|merge|decide
      do i have|need to review|approve|decide anything|something
      do you need me|anything|something [from] [me]
      is there anything|something [waiting|pending|open]
      is there anything|something to|for review|approve|me
      is anything|something waiting|pending|open [for] [me|review]
      anything|something to review|approve|decide [for] [me]
      anything|something waiting|pending|open [for] [me|review]
      anything for me
      open|waiting|pending|unreviewed branches|reviews|changes|prs
      which|what branches|changes are|wait open|waiting|pending [for] [me|review]
      which|what branches wait [for] [me|review]
      how many branches wait
      how many branches are open|waiting|pending|there
      was wartet [alles|noch] [auf] [mich|review|freigabe]
      was steht an|aus
      was steht|ist in warteschlange|queue
      was muss|kann|soll ich freigeben|prufen|reviewen|genehmigen|entscheiden
      muss|soll ich was|etwas freigeben|prufen|reviewen|genehmigen|entscheiden
      gibt es was|etwas|noch zu|fur prufen|reviewen|genehmigen|entscheiden|mich
      gibt es was|etwas freizugeben
      offene|wartende|ausstehende branches|reviews|anderungen
      welche branches warten|sind|gibt [es] [offen]
      wartet was|etwas|jemand [auf] [mich]
      ist was|etwas offen
    `),
  },
  {
    action: 'skills',
    ways: ways(`
      skills|tricks
      [list|show|zeig|zeige] [me|mir] [all|bot] skills
      what|which skills|tricks are there
      what|which skills|tricks do|have you|we|they have|know|got
      what did|have|has you|we|they|crew learn|learned|learnt [today|lately|yet]
      what have you learned so far
      was hast du gelernt
      was habt ihr gelernt
      was haben wir gelernt
      welche skills gibt es
      welche skills hast|kennst du
    `),
  },
  {
    action: 'help',
    ways: ways(`
      help|hilfe|commands|befehle|menu|manual|usage
      help me
      hilf mir
      what can you do
      what can|could i|we ask|say|do|type|tell [you] [here]
      what do you understand|know|do
      what are commands
      how do|does you|it|this work
      how do i use it|you|this
      who|what are you
      was kannst du [alles]
      was kann ich [hier] [alles] tun|fragen|sagen|machen
      was verstehst du
      wer bist du
      welche befehle gibt es
      wie funktioniert es|du
    `),
  },
  {
    action: 'session',
    ways: ways(`
      <session>
      how is|are|does|did|goes <session> [doing|going|do|today|getting] [on|along]
      what is|are|has <session> doing|done
      what is|are <session> up to
      what is|are <session> working on|at
      what is|are <session> stuck on|at
      what does|did|has <session> do|say|done|try|tried [last|today|yesterday|lately]
      what happened|happens to|with|in <session>
      what is wrong|matter|up|new|going with <session>
      what is problem with <session>
      what is going on with <session>
      what|how about <session>
      why|when|where|who|how is|are|was|were|has|have|did|does|do|will|can <session> <any>
      is|are|was|has|have|did|does|will <session> <any>
      where is <session>
      show|zeig|zeige|check [me|mir] [on] [session] <session>
      tell [me] about <session>
      how is it going with <session>
      how is <session> 's work [going]
      status|state|stand|news|update|zustand [of|for|from|on|about|von] <session>
      <session> status|state|stand|zustand
      and|und <session>
      was macht|tut|treibt|tat|machte <session> [so]
      was ist [los] mit|bei <session> [los]
      was ist los|falsch|kaputt|passiert mit|bei|in <session>
      was hat <session> gemacht|getan|gesagt
      was hat <session> heute|gestern|zuletzt gemacht|getan
      wie geht|lauft|steht es [mit|bei|um] <session>
      wie lauft|geht <session>
      warum|wieso|weshalb|wann|woran ist|hat|war|geht|lauft|macht|kann|wurde|steht|hangt|scheitert|arbeitet <session> <any>
      warum|wieso|weshalb|woran scheitert|hangt|steht|arbeitet <session>
      ist|hat|war|lauft|arbeitet|macht|hangt|steht <session> <any>
      ist|lauft|arbeitet|hangt <session>
      wo ist|steht <session>
    `),
  },
  {
    action: 'status',
    ways: ways(`
      status|stand|lage|zustand|overview|summary|uberblick|ubersicht|zwischenstand|statusbericht|update
      status report|update|bericht
      how is|are|goes it|everything|things|all|work|everybody|everyone|crew|factory|they|you|we|sessions [going|doing|looking|coming] [today|along]
      how is progress|status
      how it|everything|things goes|go|is [going]
      how does|do it|things|everything look|go
      how far are you|we|they
      how far along are you|we|they
      where are|do we|you|things [stand]
      what is up|new|happening|on|cooking
      what is going on
      what is status|state|news|progress
      what is everybody|everyone|crew|factory doing
      what are they|you|we|sessions|all doing
      what are they|you|we|sessions working on|at
      what is being done
      what is working|running
      who is working|running|busy|doing|idle [what|on]
      who is working on what
      who works|does [on|at] [what]
      what do|does they|sessions|everybody|everyone do|work [on]
      any|some news|updates|progress
      anything new|happening
      anything going on
      give [me] update|overview|summary|status|rundown
      show [me] status|overview
      is everything|all|it [fine|good|alright|running|working|green]
      is anything|anybody|anyone|somebody|something running|working|happening|broken|stuck
      everything|alles [fine|good|alright|running|gut|klar|grun|paletti]
      are you|they|sessions|all|we [still] working|running|alive|there|awake|busy
      are you there
      you there
      wie lauft|geht|steht es [voran|so|dir|euch|heute]
      wie ist stand|lage|status
      wie sieht es aus
      wie weit seid|sind ihr|sie|wir
      wie kommt|kommen ihr|sie|es voran
      was lauft|passiert|geht [ab|so|alles|los|hier|heute]
      was machen alle|sie|sessions|wir
      was macht ihr|du|fabrik
      was ist los
      was gibt es neues
      was gibt es
      gibt es [was|etwas] neues|neuigkeiten
      neuigkeiten
      lauft alles|es|was|noch [noch|gut|rund]
      alles in ordnung
      ist alles [gut|in|klar] [ordnung]
      wer arbeitet|lauft|macht [woran|was|an] [was]
      bist du da
      seid ihr da
    `),
  },
];

/** Said before a question, these change nothing: `Tell me what is waiting`. */
export const PREAMBLES: readonly (readonly string[])[] = [
  ['tell me', 'let me know', 'show me', 'give me', 'do you know', 'i want to know', 'i want to see', 'i wonder'],
  ['sag mir', 'sage mir', 'zeig mir', 'zeige mir', 'gib mir', 'weisst du', 'ich will wissen', 'ich mochte wissen'],
]
  .flat()
  .map((phrase) => phrase.split(' '));
