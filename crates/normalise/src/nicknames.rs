//! Common first names of Central Europe, the short forms of one name on one line.
//!
//! **Invariant:** names are folded (ä is ae, no accents).

/// Forms of one name, the full form first.
const FORMS: &str = "
adalbert albert bert
alexander alex sascha sasha aleksander alessandro alexandre
alexandra alex sandra sascha
alfred fred
alois luis
andreas andi andy andrzej
angela angie
angelika geli
anna anne anni ann
anna-katrin anne-katrin
anton toni
antonia toni
august gustl
barbara baerbel babsi barbel
bastian sebastian basti wastl
benjamin ben
bernd bernhard bernardo bernard
bettina betty
brigitte gitti
carl karl carlo charles
carla karla
carsten karsten
christian chris krischan
christina christine chris christl tina kristina
christoph chris christof stoffel
clemens klemens
cornelia conny nele
daniel dani
daniela dani
dieter dietrich didi
dora dorothea doro dorothee thea
eduard edi
elisabeth elise lisa else lieschen sissi liesel elizabeth liesbeth elsbeth
erich erik eric
eva eve
ferdinand ferdi
floria florian flo
franz francesco frantisek francois franziskus
franziska franzi sissi
friederike rike fritzi
friedrich fritz fredi fred friedel
gabriele gabi gabriela
georg schorsch george jiri jerzy
gerd gerhard gert
guenter guenther gunter gunther
hannah hanna johanna
hannelore hanne lore
harald harry
hedwig hedi
heidi adelheid heide
heinrich heinz heiner hein
helmut hellmuth
henrik hendrik
hilde hildegard
inge ingeborg
jakob jacob jack jacques james
jessica jessy
joachim jochen achim jo
johannes hans hannes johann johan hansi
johannes john jean giovanni ivan
josef joseph sepp jo beppo jupp giuseppe jose
josephine josefine
karl-heinz kalle
karolin karoline carolin caroline
katharina kathi kathrin katrin kaethe catherine kati cathrin
klara clara
klaus claus
konrad conrad conny
lena magdalena leni lene
leon leo
leonhard leo leonard
leopold leo poldi
louise luise luisa
lucas lukas luca
lucia lucie
ludwig lutz luis wiggerl
maik meik
manfred manni fred
marc mark
marcus markus
margarete margarethe grete gretel greta margit margret rita
maria marie mia mitzi
marlies marlene
martina tina
matthias mathias matze hias matteo
maximilian max maxl
melanie mel
michael michi michel micha mike michele mihael michal
michaela michi
monika moni monique
moritz maurice
nico nicolas nikolas
nicole nicki
nikolaus niklas
nils niels
oliver olli
paul pablo paolo pawel
peter pit piet pierre pietro petr piotr pedro
philipp philip phil philippe
rainer reiner
ralf ralph
raphael rafael
regina gina
renate nate
robert rob robbi bob
ronald ronny
rosemarie rosi rose rosmarie
rudolf rudi
sabine bine
samuel sam
sara sarah
siegfried siggi sigi
silvia sylvia
simone mona
sofia sophie sophia
stefan stephan stephen steven stefano stepan
stefanie steffi stephanie
susanne susi susanna sanne suzanne
sven swen
tanja tatjana
tatjana tanja
theodor theo
theresa therese resi theresia
thomas tom tommy tomas tommaso
thorben torben
thorsten torsten
tilman til
tobias tobi
ulrich uli ulli ulric
ulrike uli ulli rike
ursula uschi ulla ursel
verena vreni
veronika vroni
viktor victor
viktoria vicky
walter walther
waltraud traudl
wilhelm willi willy wim william helmi
wolf wolfi
wolfgang wolf wolfi";

/// Names without short forms worth telling.
const OTHERS: &str = "
agnieszka ahmet albrecht ali anders andre andrea anja annemiek annette annika antje arne arthur ayse beat beate
benedikt birte bjoern bruno burkhard carmen cem chiara christiane claas claudia corinna cornelius david detlef dietmar
dirk dominik doris eberhard edgar edith elke elodie emil emma erika ernst erwin esther evelyn fabian fabienne fabrizio
felix finn focko frank gerald gerda gianluca gisela giulia gottfried greetje gudrun gustav hans-peter hanspeter
hartmut hatice heike heiko heino helga henriette henry herbert hermann holger horst hubert hugo ida ilse imke ingo
ingrid irene iris jan jana jaroslav jens jens-uwe jesper joerg jolanta jonas joris juergen julia julian juliane justus
jutta kaja karin katja kerstin kevin kim konstantin korbinian krzysztof kurt lars laura lea lennart leonie loic lothar
ludger luigi manuel manuela marcel mareike marianne marie-luise marina mario marion martha martin mehmet miriam mirjam
mirko mustafa nadine nadja natalie niall nina nora norbert olaf oleksandr ondrej onno otto pascal patrick paula petra
philippa rebekka regula reinhard reinhold remi reto richard robin roger roland roman rosa ruediger ruth sabrina sander
sigrid silke simon solene sonja stijn swantje tjark udo ulf urs ute uwe valentin valentina vanessa vera vincent volker
volkmar waldemar werner wiebke wilfried wilma wolf-dieter wouter xaver yannick yvonne zbigniew zeynep
birgit britta daniele enrico inga kai kay kirsten kristin marco marvin rolf soenke steffen svenja tim timo
wolfram andre annalena antonio arno axel bianca caroline catharina constantin cora doreen eckhard egon elena
elisa elvira erwin eugen fanny frederik gerlinde gero hagen hannes heinz-peter hartmut helena ines isabel
isabella ivo jannik janine jennifer joana joel jonathan jule katarina kilian lara leander lilli lisbeth
lorenz luise maike malte marit marius marko merle mona natascha niko ole paulina pascal peer rafaela
ramona ricarda ricardo romy ruben saskia sebastiano selina sina sonia susan sybille sylvie tabea tamara
thea thilo tilo timm tina torben verona vivien wendelin wenke xenia yasmin yvette zoe";

/// First names that are common surnames as well.
const SURNAMES_TOO: &str = "
albrecht alexander anton arnold august bastian berthold bruno carl christian clemens conrad daniel david dietrich
eberhard ernst erwin felix florian frank franz friedrich fritz georg gerhard gottfried guenther gustav hans harald
hartmut heinrich heinz helmut herbert hermann hubert jakob joachim joseph josef karl kaspar klaus konrad kurt leonhard
lorenz ludwig lukas marco martin marx matthias michael michel moritz nikolaus oskar oswald otto paul peter philipp
rainer reinhard reinhold robert roland rudolf sander siegfried simon stephan theodor thomas tobias ulrich urban
valentin vincent volkmar walter walther wendelin werner wilhelm wolf";

/// Whether the folded first name may as well be a surname.
pub fn is_surname_too(word: &str) -> bool {
    SURNAMES_TOO.split_ascii_whitespace().any(|known| known == word)
}

/// Whether the folded word is a first name we know.
pub fn is_given_name(word: &str) -> bool {
    [FORMS, OTHERS].iter().any(|names| names.split_ascii_whitespace().any(|known| known == word))
}

/// Whether the folded words are forms of one name.
pub fn same(a: &str, b: &str) -> bool {
    a == b || FORMS.lines().any(|line| of_name(line, a) && of_name(line, b))
}

/// The full form: equal for every short form of a name.
pub fn canonical(word: &str) -> &str {
    let line = FORMS.lines().find(|line| of_name(line, word));
    line.and_then(|line| line.split_ascii_whitespace().next()).unwrap_or(word)
}

fn of_name(line: &str, word: &str) -> bool {
    line.split_ascii_whitespace().any(|known| known == word)
}
